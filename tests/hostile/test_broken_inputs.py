"""Check that broken files and documents cause one clear error, and no traceback."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from joserfc import jws

from pullrecovery.common.errors import UsageError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.yaml_reading import UnreadableYamlError, load_yaml
from pullrecovery.gate.verdict.document import VerdictError, to_document
from pullrecovery.gate.verdict.signing import TYPE, read
from pullrecovery.model.docs_site import DocsBuild
from pullrecovery.model.filter_patterns import matches
from pullrecovery.model.target import Docs, Image
from pullrecovery.model.workflow_file import (
    DISPATCH,
    PUSH,
    Event,
    UnreadableWorkflowError,
    WorkflowFile,
    parse,
    read_text,
    with_image_renamed,
)
from pullrecovery.monorepo.image_values import chart_has, corrections, file_of
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.monorepo.values_file import edited, keys_naming
from pullrecovery.observe.chart import observe_chart
from pullrecovery.observe.docs import observe_docs
from pullrecovery.registry.keyring import UnreadableSecretError, in_order, read_entries
from pullrecovery.registry.keyring import matches as applies
from tests.fakes.recorded import GOOD
from tests.fakes.verdicts import KEY, public, verdict

SAMPLE = (SUITE_ROOT / "sample" / "target.yaml").read_text()
DEEP = "[" * 5000
DIGITS = "9" * 5000
BOMB = "a0: &a0 {x: y}\n" + "".join(
    f"a{at}: &a{at} {{p: *a{at - 1}, q: *a{at - 1}, r: *a{at - 1}}}\n" for at in range(1, 30)
)
BROKEN = {
    "unclosed": "a: [b",
    "date that is none": "a: 2026-99-99",
    "number of 5,000 digits": f"a: {DIGITS}",
    "nested too deep": f"a: {DEEP}",
    "control character": "a: \x01",
    "key twice": "a: 1\na: 2",
    "several documents": "a: 1\n---\na: 2",
    "key that is a mapping": "? {a: b}\n: c",
    "unknown tag": "a: !!python/object:os.system b",
    "tag of another type": "a: !!int b",
    "alias of nothing": "a: *b",
    "within itself": "a: &a\n  b: *a",
    "bomb of aliases": BOMB,
}
# The loader that preserves comments accepts these, and does not interpret them.
KEPT_BY_EDITORS = {"key that is a mapping", "unknown tag", "within itself"}


@pytest.fixture
def target(tmp_path):
    """Return a directory whose target.yaml is the text, with the other files of the sample."""

    def make(text):
        for part in (SUITE_ROOT / "sample").iterdir():
            if part.name != "target.yaml" and not (tmp_path / part.name).exists():
                (tmp_path / part.name).symlink_to(part)
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "target.yaml").write_bytes(content)
        return tmp_path

    return make


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_yaml_is_an_error_with_its_line(text):
    """The error names the file or subject, and the line."""
    with pytest.raises(UnreadableYamlError, match=r"^some\.yaml:\d+: not valid YAML: .{3,}\.$"):
        load_yaml(text, "some.yaml")


def test_aliases_within_reason_are_read():
    """Values files share mappings by aliases."""
    assert load_yaml("a: &a {b: c}\nd: *a\n", "x") == {"a": {"b": "c"}, "d": {"b": "c"}}


@pytest.mark.parametrize("text", [*BROKEN.values(), b"\xff\xfe\xfa"], ids=[*BROKEN, "no text"])
def test_broken_target_is_a_usage_error(target, text):
    """The error names target.yaml and the line."""
    with pytest.raises(UsageError, match=r"target\.yaml:\d+: "):
        load_target(target(text))


@pytest.mark.parametrize(
    ("key", "path"),
    [("chart", "a\\0b"), ("chart", "loop"), ("chart", "x" * 5000), ("page", "a\\0b.md")],
    ids=["NUL", "link to itself", "too long", "NUL in a page"],
)
def test_path_that_is_none_is_a_usage_error(target, key, path):
    """The error does not depend on the operating system's message."""
    (folder := target(SAMPLE)).joinpath("loop").symlink_to("loop")
    before = next(line for line in SAMPLE.splitlines() if line.strip().startswith(f"{key}:"))
    text = SAMPLE.replace(before, before.partition(":")[0] + f': "{path}"', 1)
    (folder / "target.yaml").write_text(text)

    with pytest.raises(UsageError, match=r"target\.yaml:"):
        load_target(folder)


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_values_name_no_image(tmp_path, text):
    """Helm and the remediation both report the mistake, and no file is written."""
    (tmp_path / "values.yaml").write_text(text)
    workload = replace(GOOD.workload, chart=tmp_path, values=())

    assert file_of(workload, "image.tag") is None
    assert not chart_has(workload, "image.tag")
    assert corrections(replace(workload, chart=tmp_path / "none"))
    assert keys_naming([tmp_path / "values.yaml"], "x") == []
    with pytest.raises(UnreadableYamlError, match=r"^values:\d+: not valid YAML"):
        edited(text, {"image.tag": lambda _: "v1"})


@pytest.mark.parametrize("text", ["- a\n", "text\n"])
def test_non_mapping_values_are_not_edited(text):
    """An edit would change something other than a mapping."""
    with pytest.raises(UnreadableYamlError, match="must be a mapping"):
        edited(text, {"image.tag": lambda _: "v1"})


class _Helm:
    def __init__(self, rendered):
        self.rendered = rendered

    def template(self, _):
        return self.rendered


@pytest.mark.parametrize("name", [each for each in BROKEN if each != "several documents"])
def test_broken_chart_is_chart_error(name):
    """REG-005 reports the error, and no image is invented."""
    seen = observe_chart(_Helm(BROKEN[name]), GOOD.workload)

    assert seen.images == ()
    assert "renders:" in seen.error
    assert "not valid YAML" in seen.error


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - KEPT_BY_EDITORS))
def test_broken_workflow_has_line_and_reason(name):
    """The error has a line and a reason, as actionlint's errors have."""
    with pytest.raises(UnreadableWorkflowError, match=r"^\d+: not valid YAML: ."):
        parse(BROKEN[name])


def test_workflow_that_is_no_text_is_an_error(tmp_path):
    """The error names the file."""
    (tmp_path / "x.yml").write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(UnreadableWorkflowError, match=r"x\.yml cannot be read"):
        read_text(tmp_path / "x.yml")


@pytest.mark.parametrize(
    "job",
    [
        "strategy: x",
        "strategy: {matrix: x}",
        "strategy: {matrix: {include: x}}",
        "strategy: {matrix: {include: [x, 1]}}",
        "steps: 5",
        "steps: text",
        "steps: [1, text, {uses: 5}]",
        "runs-on: 5",
        "runs-on: {labels: }",
        "permissions: [packages]",
    ],
)
def test_job_of_another_form_is_read(job):
    """The workflow is read all the same, as actionlint reports the mistake in the job."""
    text = f"on: {{push: x}}\njobs:\n  build:\n    {job}\n"
    file = WorkflowFile(text)

    assert file.entry_of(Image("ghcr.io/a/b", "v1")) == ""
    assert file.actions == ()
    assert file.trigger == PUSH
    assert isinstance(file.runners, tuple)
    assert file.packages_level("build") in ("none", "read", "write")
    assert file.is_filtered_by_path(Event(PUSH, "refs/heads/main")) is True
    assert file.refusal(Event(DISPATCH, "refs/heads/main"))
    assert with_image_renamed(text, "old", "new") == text


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("**/" * 40 + "x", "a/" * 2000 + "y"),
        ("*a" * 60 + "b", "a" * 4000),
        ("**a" * 60 + "b", "a" * 4000),
        ("a?" * 2000 + "b", "a" * 2000),
        ("a+" * 500 + "b", "a" * 1000),
    ],
    ids=["folders", "stars", "double stars", "optional", "repeated"],
)
def test_filter_pattern_is_bounded(pattern, name):
    """A naive regular expression would backtrack exponentially."""
    started = time.process_time()

    assert matches(name, [pattern]) is False
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("name", "pattern", "taken"),
    [
        ("a/b/c", "**/**/c", True),
        ("c", "**/c", True),
        ("abc", "**/c", False),
        ("a/b", "a**", True),
        ("feature/x", "feature/*", True),
        ("aab", "a+b", True),
        ("b", "a+b", False),
        ("b", "a?b", True),
        ("v12", "v[0-9]+", True),
        ("v", "v[0-9]?", True),
        ("main", "[a-z]+", True),
        ("x", "[z-a]", False),
        ("[", "[", True),
        ("+", "+", True),
        ("a.b", "a.b", True),
        ("a\nb", "*", True),
        ("", "**", True),
    ],
)
def test_filter_pattern_means_what_github_says(name, pattern, taken):
    """The cases are from GitHub's page on filter patterns; an invalid pattern matches nothing."""
    assert matches(name, [pattern]) is taken


@pytest.mark.parametrize("server", ["[ghcr.io", "https://[", "ghcr.io]", "[::1"])
def test_non_url_server_matches_nothing(server):
    """The kubelet skips the entry, and uses the others."""
    assert applies(server, "ghcr.io/a/b") is False
    assert in_order([(server, 1), ("ghcr.io", 2)], "ghcr.io/a/b") == (("ghcr.io", 2),)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"auths": {"ghcr.io": {"auth": "käse"}}}, ensure_ascii=False),
        '{"auths": {"ghcr.io": {"auth": "\\ud800"}}}',
        '{"auths": ' + "[" * 100_000,
        f'{{"auths": {DIGITS}}}',
    ],
    ids=["auth not in ASCII", "lone surrogate", "nested too deep", "number of 5,000 digits"],
)
def test_broken_pull_secret_is_unreadable(text):
    """The kubelet cannot decode any of these either."""
    with pytest.raises(UnreadableSecretError):
        read_entries(text)


def _signed(payload):
    header = {"alg": "Ed25519", "typ": TYPE, "kid": KEY.thumbprint()}
    return jws.serialize_compact(header, payload, KEY, algorithms=["Ed25519"])


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": 5},
        {"target": None},
        {"reasons": "text"},
        {"reasons": [1]},
        {"doubts": [None]},
        {"partial": "no"},
        {"partial": 1},
        {"issued": 5},
        {"issued": "yesterday"},
        {"workloads": [{}]},
        {"workloads": "x"},
        {"workloads": [to_document(verdict())["workloads"][0] | {"image": []}]},
        {"checks": 5},
        {"checks": to_document(verdict())["checks"] | {"run": "frontend REG-001"}},
        {"checks": to_document(verdict())["checks"] | {"run": [["x"]]}},
        {"checks": to_document(verdict())["checks"] | {"failed": [{"check": 5, "cause": 5}]}},
        {"tiers": [{"name": "static", "ended": "passed", "seconds": "long"}]},
        {"decision": ["promote"]},
        {"world": {}},
    ],
    ids=str,
)
def test_signed_verdict_of_wrong_types_is_none(changes):
    """A valid signature does not help; the reason names the field if it can."""
    with pytest.raises(VerdictError, match="no verdict of schema 1"):
        read(_signed(json.dumps(to_document(verdict()) | changes)), public())


@pytest.mark.parametrize("payload", ["[" * 100_000, f'{{"schema": {DIGITS}}}', "null", "\ud800"])
def test_invalid_signed_text_is_no_verdict(payload):
    """Text that is nested too deep, has 5,000 digits, is empty or is no Unicode is no verdict."""
    with pytest.raises(VerdictError):
        read(_signed(payload.encode(errors="surrogatepass")), public())


def test_page_that_is_no_text_is_observed(tmp_path):
    """Invalid bytes are replaced, as Docusaurus does, and the page lacks its subjects."""
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_bytes(b"# Registry\n\xff\xfe\n")
    docs = Docs(page.parent, page, ())
    site = SimpleNamespace(look=lambda _: DocsBuild("words"))
    world = SimpleNamespace(target=SimpleNamespace(docs=docs), docs_site=site)

    assert observe_docs(world).source == "# Registry\n\ufffd\ufffd\n"
