"""The files of a site that npm gets: only packages of the configured registry."""

import json

import pytest

from pullrecovery.common.errors import UsageError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.docs_site.npm_files import npm_files

GOOD = {"version": "1.2.3", "integrity": "sha512-AAAA"}
PLACE = "node_modules/a"
GIT = "git+ssh://git@attacker.invalid/a.git"


@pytest.fixture(name="write")
def _write(tmp_path):
    """Return a function that writes both files and returns npm's input."""

    def write(manifest=None, packages=None, **more):
        lock = {"lockfileVersion": 3, "packages": packages or {}, **more}
        (tmp_path / "package.json").write_text(json.dumps(manifest or {}))
        (tmp_path / "package-lock.json").write_text(json.dumps(lock))
        return {name: json.loads(text) for name, text in npm_files(tmp_path).items()}

    return write


def test_lock_of_the_sample_is_given_as_it_is():
    """The lock names no address, and package.json has only what an installation needs."""
    folder = SUITE_ROOT / "sample" / "docs"
    before = {name: json.loads((folder / name).read_text()) for name in npm_files(folder)}

    given = {name: json.loads(text) for name, text in npm_files(folder).items()}

    assert given["package-lock.json"] == before["package-lock.json"]
    assert given["package.json"]["dependencies"] == before["package.json"]["dependencies"]
    assert "scripts" not in given["package.json"]


@pytest.mark.parametrize(
    "resolved",
    [
        "https://attacker.invalid/a.tgz",
        "https://registry.npmjs.org/a/-/a-1.2.3.tgz",
        "file:../../etc",
        GIT,
        True,
    ],
)
def test_address_in_the_lock_is_dropped(write, resolved):
    """Packages come from the configured registry, whatever the commit names."""
    given = write(packages={PLACE: {**GOOD, "resolved": resolved}})

    assert given["package-lock.json"]["packages"] == {PLACE: GOOD}


@pytest.mark.parametrize(
    ("place", "entry"),
    [
        (PLACE, {"version": "1.2.3"}),
        (PLACE, {**GOOD, "integrity": ""}),
        (PLACE, {"version": "1.2.3", "inBundle": True}),
        (PLACE, {**GOOD, "version": GIT}),
        (PLACE, {**GOOD, "version": "file:../a"}),
        (PLACE, {**GOOD, "version": "https://attacker.invalid/a.tgz"}),
        (PLACE, {**GOOD, "version": None}),
        (PLACE, {**GOOD, "name": "../a"}),
        (PLACE, {**GOOD, "name": GIT}),
        (PLACE, {**GOOD, "hasShrinkwrap": True}),
        (PLACE, {"resolved": "packages/a", "link": True}),
        (PLACE, "1.2.3"),
        ("packages/a", GOOD),
        ("../a", GOOD),
        ("/etc", GOOD),
        ("node_modules/../../a", GOOD),
        ("node_modules/.bin", GOOD),
        ("node_modules/@a/../../../b", GOOD),
        (PLACE, {**GOOD, "dependencies": {"b": GIT}}),
        (PLACE, {**GOOD, "optionalDependencies": {"b": "attacker/b"}}),
        (PLACE, {**GOOD, "peerDependencies": {"b": "github:attacker/b"}}),
        ("", {"dependencies": {"b": "http://attacker.invalid/b.tgz"}}),
        ("", {"dependencies": ["b"]}),
    ],
)
def test_non_registry_package_is_refused(write, tmp_path, place, entry):
    """The error has the file, the package, and what to do."""
    with pytest.raises(UsageError) as refused:
        write(packages={place: entry})

    assert str(refused.value).startswith(f"{tmp_path / 'package-lock.json'}: ")
    assert str(refused.value).endswith("write package-lock.json anew with npm.")


@pytest.mark.parametrize(
    "spec",
    [
        GIT,
        "git://attacker.invalid/a",
        "attacker/a",
        "github:attacker/a",
        "https://attacker.invalid/a.tgz",
        "file:../a",
        "link:../a",
        "workspace:*",
        "../a",
        ".",
        "..",
        "~/a",
        "/etc",
        "a.tgz",
        "a.tar.gz",
        "npm:../a@1",
        "npm:a@git://attacker.invalid",
        7,
    ],
)
@pytest.mark.parametrize("where", ["dependencies", "devDependencies", "overrides", "nested"])
def test_url_dependency_is_refused(write, tmp_path, where, spec):
    """To check the lock, npm would fetch the URL."""
    manifest = (
        {"overrides": {"a": {".": "1", "b": spec}}} if where == "nested" else {where: {"b": spec}}
    )

    with pytest.raises(UsageError, match="b of the site is ") as refused:
        write(manifest)

    assert str(refused.value).startswith(f"{tmp_path / 'package.json'}: ")


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "*",
        "latest",
        "1.2.3",
        "^1.2.3 || >=2 <3",
        "~1.2",
        "1.x",
        "npm:b@^1.0.0",
        "npm:@b/c@1",
        "v1",
    ],
)
def test_range_of_a_registrys_versions_is_kept(write, spec):
    """A range is allowed under an alias too."""
    given = write({"dependencies": {"a": spec}}, {"": {"dependencies": {"a": spec}}})

    assert given["package.json"] == {"dependencies": {"a": spec}}


def test_bundled_packages_are_checked(write):
    """Bundled packages come in the tarball of the package that contains them."""
    bundled = {"version": "1.0.0", "inBundle": True}

    given = write(packages={PLACE: GOOD, f"{PLACE}/node_modules/@b/c": bundled})

    assert given["package-lock.json"]["packages"][f"{PLACE}/node_modules/@b/c"] == bundled


def test_direct_override_is_kept(write):
    """A direct override is written with a $."""
    manifest = {"dependencies": {"a": "1"}, "overrides": {"a": "$a"}}

    assert write(manifest)["package.json"] == manifest


def test_workspaces_and_scripts_are_left_out(write):
    """For workspaces npm would read other directories, and it does not need the scripts."""
    manifest = {"workspaces": ["../.."], "scripts": {"install": "attack"}, "publishConfig": {}}

    assert write(manifest)["package.json"] == {}


def test_packages_of_npm_6_are_left_out(write):
    """Packages of npm 6 name addresses, and npm works without them."""
    given = write(dependencies={"a": {"version": GIT}})

    assert "dependencies" not in given["package-lock.json"]


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"a": "\ud800"}', "1" * 10_000])
def test_non_json_lock_is_clear_error(tmp_path, text):
    """A commit may hold any text as its lock."""
    (tmp_path / "package.json").write_text(text, errors="surrogatepass")
    (tmp_path / "package-lock.json").write_text("{}")

    with pytest.raises(UsageError, match=r"package\.json (cannot be read as|must hold a) JSON"):
        npm_files(tmp_path)


def test_lock_of_npm_6_is_refused(tmp_path):
    """A lock of npm 6 has no list of packages with their places."""
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "package-lock.json").write_text('{"lockfileVersion": 1, "dependencies": {}}')

    with pytest.raises(UsageError, match="Write it anew with npm 7 or newer"):
        npm_files(tmp_path)
