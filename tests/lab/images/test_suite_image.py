"""The content of the suite's image before an engine builds it: its lock, its parts, its SBOM."""

import io

import pytest

from pullrecovery.__main__ import main
from pullrecovery.lab.images import sbom, suite
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.images.runtime_lock import runtime
from pullrecovery.lab.images.sbom import Component
from pullrecovery.lab.images.suite import SuiteImage
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.toolchain import HELM_LINUX, Toolchain

LOCK = """\
# made by a tool
certifi==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via
    #   httpx
    #   ruff
colorama==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:bb
    # via httpx
httpx[http2]==3.0 \\
    --hash=sha256:cc
    # via
    #   pull-recovery (pyproject.toml)
    #   ruff
ruff==4.0 \\
    --hash=sha256:dd
    # via pull-recovery (pyproject.toml:dev)
"""
STATUS = """\
Package: python3
Status: install ok installed
Architecture: amd64
Version: 3.11.2-1+b1
Description: interactive
 language

Package: purged
Status: deinstall ok config-files
Architecture: all
Version: 1
"""


@pytest.fixture(name="lock")
def _lock(tmp_path):
    file = tmp_path / "requirements.lock"
    file.write_text(LOCK)
    return file


def test_image_has_only_needed_packages(lock):
    """The lock has the dependencies of dependencies, with markers for the image's platform."""
    found = runtime(lock, {"sys_platform": "linux"})

    assert [(each.name, each.version) for each in found] == [("certifi", "1.0"), ("httpx", "3.0")]
    assert [each.name for each in runtime(lock, {"sys_platform": "win32"})] == [
        "certifi",
        "colorama",
        "httpx",
    ]


def test_dependencies_are_checked_by_hash(lock):
    """The entry for pip has no marker."""
    first, _ = runtime(lock, {"sys_platform": "linux"})

    assert first.lines() == "certifi==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:ab\n"


def test_lock_of_this_project_is_split():
    """The parser uses the comments of uv: without them nothing would be left."""
    names = {each.name for each in runtime()}

    assert {"httpx", "kubernetes", "joserfc", "cryptography", "pytest", "cffi"} <= names
    assert not {"ruff", "mypy", "import-linter", "hatchling"} & names


def test_lock_that_is_none_is_an_error(tmp_path):
    """A line that was written by hand is an error."""
    file = tmp_path / "requirements.lock"
    file.write_text("httpx>=0.28\n")

    with pytest.raises(ValueError, match=r"no entry of a lock: httpx>=0\.28"):
        runtime(file)


def test_sbom_has_installed_debian_packages():
    """A removed package whose configuration remains is omitted."""
    (found,) = sbom.debian_packages(STATUS, "debian-bookworm")

    qualifiers = (("arch", "amd64"), ("distro", "debian-bookworm"))
    assert found == Component("deb", "python3", "3.11.2-1+b1", "debian", "", qualifiers)


def test_sbom_has_python_licences(tmp_path):
    """Some packages have the whole text of the licence in the field for its name."""
    for name, licence in [("A", "License-Expression: MIT"), ("B", "License: MIT\n Copyright …")]:
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n{licence}\n\ntext\n")

    found = list(sbom.python_packages(tmp_path))

    assert found == [
        Component("pypi", "a", "1.0", licence="MIT"),
        Component("pypi", "b", "1.0"),
    ]


def test_sbom_has_go_modules():
    """Indirect modules are included."""
    found = list(sbom.go_modules(HELM_LINUX.source / "go.mod"))

    assert "helm.sh/helm" in {each.namespace for each in found}
    assert all(each.version.startswith("v") for each in found)
    assert len(found) > 20


def test_image_is_unprivileged_and_labelled():
    """The user is a number, because a cluster that forbids root cannot resolve a name."""
    recipe = suite._DOCKERFILE

    assert f"\nUSER {suite.USER}:{suite.USER}\n" in recipe
    assert suite.USER > 0
    for label in ("title", "version", "licenses", "base.name"):
        assert f"org.opencontainers.image.{label}=" in recipe
    assert suite.SBOM_PATH in recipe


@pytest.mark.parametrize(
    ("reference", "token", "said"),
    [
        ("ghcr.io/Owner/name:1", "ghp_x", "repository name (Owner/name) must be lowercase"),
        ("ghcr.io/owner/name", "ghp_x", "it must be repository:tag"),
        (f"ghcr.io/owner/name:1@sha256:{'0' * 64}", "ghp_x", "it must be repository:tag"),
        ("ghcr.io/owner/name:1", " \n", "A token that may write ghcr.io/owner/name is needed"),
    ],
)
def test_image_without_output_is_not_built(monkeypatch, capsys, reference, token, said):
    """An invalid reference or token is an error before a build of minutes."""
    monkeypatch.setattr(
        "pullrecovery.cli.run_suite_image.locked", lambda *_: pytest.fail("it is built")
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(token))

    assert main(["suite-image", "--push", reference, "--token-stdin"]) == 4
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("pulled", [False, True], ids=["bootstrapped", "pulled"])
def test_image_is_rebuilt_weekly(tmp_path, pulled):
    """A new image has Debian's security updates; the lab's own image stays."""
    paths = Paths(tmp_path / "cache", tmp_path / "state")
    tools = Toolchain(paths, tmp_path / "go")
    weeks = ("", "2026-W48", "2026-W49")

    made = [SuiteImage.of(tools, paths, pulled=pulled, week=week) for week in weeks]

    assert len({image.base.tag for image in made}) == 3
    assert len({image.tag for image in made}) == 3
    assert made[0].base == BaseImage(paths, pulled, made[0].base.packages)


def test_week_of_the_image_is_one(capsys):
    """The command ends before anything is built."""
    with pytest.raises(SystemExit):
        main(["suite-image", "--week", "48"])

    assert "'48' is no week such as 2026-W48" in capsys.readouterr().err
