"""The parser of target.yaml: the sample, and every mistake with its file, line and fix."""

import re
import shutil
from pathlib import Path

import pytest

from pullrecovery.common.errors import UsageError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.model.target import Docs, Image, Visibility, Workflow, Workload
from pullrecovery.monorepo.target_yaml import load_target

SAMPLE = SUITE_ROOT / "sample"
WORKFLOW_LINE = 1 + (SAMPLE / "target.yaml").read_text().splitlines().index("workflow:")
PIN = "c6cd88ef7de43520f6e95fcb87e6f2452b45edd4"

# Text of the sample's target.yaml, a mistake in its place, the line, a phrase of the error.
MISTAKES = {
    "typo in a key of the target": ("pullSecret:", "pullSecrets:", 7, "has no key 'pullSecrets'"),
    "missing key of the target": ("login: ByteQuester\n", "", 1, "the target lacks 'login'"),
    "number for a text": (
        "name: hosting-monorepo",
        "name: 7",
        2,
        "'name' of the target must be a text",
    ),
    "nothing for a text": (
        "owner: bytequester",
        "owner:",
        5,
        "'owner' of the target must be a text",
    ),
    "wrong schema": ("schema: 1", "schema: 2", 1, "'schema' of the target must be 1"),
    "text for the schema": (
        "schema: 1",
        "schema: '1'",
        1,
        "'schema' of the target must be a whole number, and is a text",
    ),
    "owner in capitals": (
        "owner: bytequester",
        "owner: ByteQuester",
        5,
        "'owner' of the target must be lower case",
    ),
    "unknown privilege": (
        "privilege: required",
        "privilege: strict",
        8,
        "one of required, optional",
    ),
    "text for a truth value": (
        "privilege: required",
        "tokenPerNamespace: sometimes",
        8,
        "'tokenPerNamespace' of the target must be true or false",
    ),
    "unknown visibility": (
        "    app: apps/frontend\n",
        "    visibility: internal\n    app: apps/frontend\n",
        20,
        "'visibility' of workload 1 must be one of public, private",
    ),
    "truth value for a visibility": (
        "    app: apps/frontend\n",
        "    visibility: true\n    app: apps/frontend\n",
        20,
        "'visibility' of workload 1 must be one of public, private",
    ),
    "typo in a key of a workload": (
        "    namespace:",
        "    nameSpace:",
        14,
        "has no key 'nameSpace'",
    ),
    "missing chart key": ("    chart: charts/frontend\n", "", 11, "workload 1 lacks 'chart'"),
    "list for a text": (
        "chart: charts/frontend\n",
        "chart: []\n",
        12,
        "'chart' of workload 1 must be a text, and is a list",
    ),
    "chart that does not exist": (
        "chart: charts/frontend\n",
        "chart: charts/frontendd\n",
        12,
        "chart 'charts/frontendd' does not exist in",
    ),
    "chart without Chart.yaml": (
        "chart: charts/frontend\n",
        "chart: docs\n",
        12,
        "docs holds no Chart.yaml",
    ),
    "values file that does not exist": (
        "values: [charts/frontend/values-dev.yaml]",
        "values: [charts/frontend/values-prod.yaml]",
        13,
        "values 'charts/frontend/values-prod.yaml' does not exist in",
    ),
    "number among the values files": (
        "values: [charts/frontend/values-dev.yaml]",
        "values: [3]",
        13,
        "values",
    ),
    "another registry": ("registry: ghcr.io", "registry: docker.io", 3, "must be ghcr.io"),
    "namespace with a capital": (
        "[frontend-dev,",
        "[Frontend-dev,",
        9,
        "is 'Frontend-dev'; it must match",
    ),
    "namespace with an underscore": (
        "[frontend-dev,",
        "[Frontend_Dev,",
        9,
        "is 'Frontend_Dev'; it must match",
    ),
    "namespace with a dash at its end": ("[frontend-dev,", "[frontend-,", 9, "a DNS label"),
    "namespace too long": ("[frontend-dev,", f"[{'a' * 57},", 9, "at most 56 characters"),
    "empty namespace": (
        "[frontend-dev,",
        "['',",
        9,
        "item 1 of 'namespaces' of the target is ''; it must match",
    ),
    "number for a namespace": (
        "[frontend-dev,",
        "[7,",
        9,
        "item 1 of 'namespaces' of the target must be a text, and is a number",
    ),
    "namespace that the target does not have": (
        "namespace: frontend-dev",
        "namespace: frontend-dve",
        14,
        "unknown namespace 'frontend-dve'; the target has frontend-dev, backend-dev",
    ),
    "chart outside the target": (
        "chart: charts/frontend\n",
        "chart: ../charts\n",
        12,
        "chart '../charts' lies outside",
    ),
    "missing application": ("    app: apps/frontend\n", "", 11, "workload 1 lacks 'app'"),
    "repository in capitals": (
        "ghcr.io/bytequester/hosting-monorepo",
        "ghcr.io/ByteQuester/hosting-monorepo",
        16,
        "repository name (ByteQuester/hosting-monorepo) must be lowercase",
    ),
    "repository in another registry": (
        "ghcr.io/bytequester/hosting-monorepo",
        "docker.io/bytequester/hosting-monorepo",
        16,
        "is not in the target's registry, ghcr.io",
    ),
    "repository of another owner": (
        "ghcr.io/bytequester/hosting-monorepo",
        "ghcr.io/someone/hosting-monorepo",
        16,
        "does not belong to the target's owner, bytequester",
    ),
    "number for a tag": (
        f"tag: {PIN}",
        "tag: 1.0",
        17,
        "'tag' of the image must be a text",
    ),
    "empty tag": (f"tag: {PIN}", "tag: ''", 17, "tag"),
    "application that does not exist": (
        "app: apps/frontend",
        "app: apps/front",
        20,
        "app 'apps/front' does not exist in",
    ),
    "two workloads of one name": (
        "name: frontend-sample",
        "name: frontend",
        22,
        "a second workload is named 'frontend'",
    ),
    "no workflow": ("workflow:", "workflows:", WORKFLOW_LINE, "has no key 'workflows'"),
    "second workflow": (
        "workflow:\n",
        "workflow: ci.yml\nworkflows:\n",
        WORKFLOW_LINE + 1,
        "has no key 'workflows'",
    ),
    "typo in a key of the workflow": (
        "  dispatch:",
        "  dispatched:",
        WORKFLOW_LINE + 6,
        "the workflow has no key 'dispatched'",
    ),
    "missing key of the workflow": (
        "  branch: main\n",
        "",
        WORKFLOW_LINE + 1,
        "the workflow lacks 'branch'",
    ),
    "text for a promise": (
        "dispatch: true",
        "dispatch: always",
        WORKFLOW_LINE + 6,
        "'dispatch' of the workflow must be true or false",
    ),
    "workflow that does not exist": (
        "workflows/ci.yml",
        "workflows/cd.yml",
        WORKFLOW_LINE + 1,
        "file '.github/workflows/cd.yml' does not exist in",
    ),
    "folder for the workflow": (
        ".github/workflows/ci.yml",
        ".github",
        WORKFLOW_LINE + 1,
        "file '.github' is a folder",
    ),
    "repository without an owner": (
        "ByteQuester/hosting-monorepo",
        "hosting-monorepo",
        WORKFLOW_LINE + 2,
        "is 'hosting-monorepo'; it must match",
    ),
    "repository on GitHub of another owner": (
        "ByteQuester/hosting-monorepo",
        "someone/hosting-monorepo",
        WORKFLOW_LINE + 2,
        "someone is not the target's owner, bytequester",
    ),
    "no branch": (
        "branch: main",
        "branch: ''",
        WORKFLOW_LINE + 3,
        "'branch' of the workflow is ''; it must match",
    ),
    "change that does not exist": (
        "change: apps/frontend",
        "change: apps/front",
        WORKFLOW_LINE + 5,
        "change 'apps/front' does not exist in",
    ),
    "file for the change": (
        "change: apps/frontend",
        "change: apps/frontend/Dockerfile",
        WORKFLOW_LINE + 5,
        "change 'apps/frontend/Dockerfile' is no folder",
    ),
    "bad YAML": (
        "name: hosting-monorepo",
        "name: a: b",
        2,
        "not valid YAML: mapping values are not allowed here",
    ),
    "key named twice": (
        "name: hosting-monorepo",
        "schema: 1",
        2,
        "not valid YAML: found duplicate key",
    ),
    "character that YAML forbids": ("name: hosting-monorepo", "name: \a", 2, "not valid YAML: "),
}

# Mistakes of the docs, as above; the line is counted from that of `docs:`.
MISTAKES_OF_DOCS = {
    "typo in a key": ("  page:", "  pages:", 2, "the docs has no key 'pages'"),
    "missing key": ("  page: docs/docs/registry-auth.md\n", "", 1, "the docs lacks 'page'"),
    "folder that does not exist": ("folder: docs", "folder: doc", 1, "folder 'doc' does not exist"),
    "folder without a site": ("folder: docs", "folder: charts", 1, "holds no package.json"),
    "folder outside the target": ("folder: docs", "folder: ../docs", 1, "lies outside"),
    "page that is none": (
        "registry-auth.md",
        "registry-auth.txt",
        2,
        "must name pages (.md, .mdx)",
    ),
    "page outside the site": (
        "page: docs/docs/registry-auth.md",
        "page: charts/registry-auth.md",
        2,
        "page 'charts/registry-auth.md' lies outside",
    ),
    "no referring page": (
        "[docs/docs/ci-smart-build.md, docs/docs/onboarding.md]",
        "[]",
        4,
        "'referring' of the docs must not be empty",
    ),
    "referring page that does not exist": (
        "docs/docs/onboarding.md",
        "docs/docs/on-boarding.md",
        4,
        "referring 'docs/docs/on-boarding.md' does not exist",
    ),
    "page that refers to itself": (
        "docs/docs/onboarding.md",
        "docs/docs/registry-auth.md",
        4,
        "cannot be the one that refers to it",
    ),
}


# Values that a program or a shell would misread, by their key.
HOSTILE_NAMES = {
    "release that is an option": ("- name: frontend\n", "- name: --post-renderer=sh\n", 11, "name"),
    "release that reads a file": (
        "- name: frontend\n",
        "- name: --set-file=a=/proc/self/environ\n",
        11,
        "name",
    ),
    "release with a shell command": ("- name: frontend\n", "- name: a;id\n", 11, "name"),
    "release that is too long": ("- name: frontend\n", f"- name: {'a' * 54}\n", 11, "name"),
    "release with a newline": ("- name: frontend\n", '- name: "a\\nb"\n', 11, "name"),
    "target name with a quote": ("name: hosting-monorepo", "name: it's", 2, "name"),
    "owner that is an option": ("owner: bytequester", "owner: -o", 5, "owner"),
    "login with a shell command": ("login: ByteQuester", "login: $(id)", 6, "login"),
    "login with a quote": ("login: ByteQuester", "login: a'b", 6, "login"),
    "pull secret with a shell command": (
        "pullSecret: ghcr-credentials",
        "pullSecret: a;touch x",
        7,
        "pullSecret",
    ),
    "pull secret that is an option": (
        "pullSecret: ghcr-credentials",
        "pullSecret: --all",
        7,
        "pullSecret",
    ),
    "values key with an assignment": (
        "pullSecretsKey: serviceAccount.imagePullSecrets",
        "pullSecretsKey: a=b,c",
        19,
        "pullSecretsKey",
    ),
    "branch that is an option": ("branch: main", "branch: --force", WORKFLOW_LINE + 3, "branch"),
    "branch with a space": ("branch: main", "branch: a b", WORKFLOW_LINE + 3, "branch"),
    "release tag with a pattern": (
        "release: v1.0.0",
        "release: v1..0",
        WORKFLOW_LINE + 4,
        "release",
    ),
}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """Return a copy of the sample."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "target"))


def _mistake(folder, right, wrong):
    file = folder / "target.yaml"
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong, 1))


def test_sample_has_its_three_workloads():
    """Two frontends are in one namespace, and one backend in another."""
    target = load_target(SAMPLE)

    assert (target.registry, target.owner, target.login) == (
        "ghcr.io",
        "bytequester",
        "ByteQuester",
    )
    assert (target.pull_secret, target.privilege_required) == ("ghcr-credentials", True)
    assert [(workload.name, workload.namespace) for workload in target.workloads] == [
        ("frontend", "frontend-dev"),
        ("frontend-sample", "frontend-dev"),
        ("backend", "backend-dev"),
    ]


def test_frontend_of_the_sample_is_read_whole():
    """The chart's name and the repository's differ."""
    assert load_target(SAMPLE).workload("frontend") == Workload(
        name="frontend",
        chart=SAMPLE / "charts" / "frontend",
        values=(SAMPLE / "charts" / "frontend" / "values-dev.yaml",),
        namespace="frontend-dev",
        image=Image("ghcr.io/bytequester/hosting-monorepo", PIN),
        pull_secrets_key="serviceAccount.imagePullSecrets",
        app=SAMPLE / "apps" / "frontend",
        application=SAMPLE / "argocd" / "frontend.yaml",
        root=SAMPLE,
    )


def test_target_defaults_are_private_and_shared(folder):
    """A requirement that is not named fails no run."""
    asked = load_target(SAMPLE)
    assert not asked.token_per_namespace
    assert {workload.visibility for workload in asked.workloads} == {Visibility.PRIVATE}

    _mistake(folder, "privilege: required", "privilege: required\ntokenPerNamespace: true")
    _mistake(folder, "    app: apps/frontend\n", "    app: apps/frontend\n    visibility: public\n")

    told = load_target(folder)
    assert told.token_per_namespace
    assert told.workload("frontend").visibility is Visibility.PUBLIC
    assert told.workload("backend").visibility is Visibility.PRIVATE


def test_workflow_of_the_sample_is_read_whole():
    """The workflow has its promises, and the accounts whose runs push."""
    assert load_target(SAMPLE).workflow == Workflow(
        path=".github/workflows/ci.yml",
        file=SAMPLE / ".github/workflows/ci.yml",
        repository="ByteQuester/hosting-monorepo",
        branch="main",
        change="apps/frontend",
        release="v1.0.0",
        dispatch=True,
    )


def test_workflow_promises_are_optional(folder):
    """Promises are checked only where they are named."""
    _mistake(folder, "  release: v1.0.0\n", "")
    _mistake(folder, "  dispatch: true\n", "")

    workflow = load_target(folder).workflow
    assert (workflow.release, workflow.dispatch) == ("", False)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("frontend", "charts/frontend/values-dev.yaml"),
        ("frontend-sample", "charts/frontend-sample/values.yaml"),
        ("backend", "charts/backend/values.yaml"),
    ],
)
def test_last_values_file_is_edited(name, file):
    """The last file overrides the others."""
    assert load_target(SAMPLE).workload(name).values_file == SAMPLE / file


def _assert_line(caught, prefix, phrase):
    """Check the line of one mistake, which may be a mistake in two ways."""
    lines = str(caught.value).splitlines()
    assert [line for line in lines if line.startswith(prefix) and phrase in line]
    assert len(lines) <= 2


@pytest.mark.parametrize(
    ("right", "wrong", "number"),
    [
        ("pullSecret:", "pullSecrets:", 1),
        ("    namespace:", "    nameSpace:", 1),
        # A key that is nothing like the missing one is a second mistake.
        ("pullSecret:", "credentials:", 2),
    ],
)
def test_misspelt_key_is_one_mistake(folder, right, wrong, number):
    """The key is missing under its right name, which needs no line of its own."""
    _mistake(folder, right, wrong)

    with pytest.raises(UsageError) as caught:
        load_target(folder)

    lines = str(caught.value).splitlines()
    assert f"has no key '{wrong.strip(' :')}'" in str(caught.value)
    assert len(lines) == number


@pytest.mark.parametrize(("right", "wrong", "line", "phrase"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_named_with_its_line(folder, right, wrong, line, phrase):
    """The error is one sentence with the place and the expected value."""
    _mistake(folder, right, wrong)

    with pytest.raises(UsageError, match=re.escape(phrase)) as caught:
        load_target(folder)

    _assert_line(caught, f"{folder}/target.yaml:{line}: ", phrase)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "phrase"), MISTAKES_OF_DOCS.values(), ids=MISTAKES_OF_DOCS
)
def test_docs_error_has_line(folder, right, wrong, line, phrase):
    """A missing page is no mistake of the file: REG-007 reports it."""
    file = folder / "target.yaml"
    before, docs = re.split(r"(?m)^(?=docs:$)", file.read_text())
    assert right in docs
    file.write_text(before + docs.replace(right, wrong, 1))

    with pytest.raises(UsageError, match=re.escape(phrase)) as caught:
        load_target(folder)

    at = before.count("\n") + 1 + line
    _assert_line(caught, f"{folder}/target.yaml:{at}: ", phrase)


def test_mistakes_of_keys_are_reported_together(folder):
    """Mistakes are in the order of their lines."""
    _mistake(folder, "name: hosting-monorepo", "name: it's")
    _mistake(folder, "    chart: charts/frontend\n", "    chart: 5\n")
    _mistake(folder, "dispatch: true", "dispatch: always")

    with pytest.raises(UsageError) as caught:
        load_target(folder)

    places = [line.partition(" of ")[0] for line in str(caught.value).splitlines()]
    file = folder / "target.yaml"
    assert places == [
        f"{file}:2: 'name'",
        f"{file}:12: 'chart'",
        f"{file}:{WORKFLOW_LINE + 6}: 'dispatch'",
    ]


def test_mistakes_of_values_are_reported_together(folder):
    """The error has missing objects, foreign ones, and duplicates."""
    _mistake(folder, "chart: charts/backend", "chart: charts/none")
    _mistake(folder, "ghcr.io/bytequester/backend", "ghcr.io/someone/backend")
    _mistake(folder, "change: apps/frontend", "change: apps/none")
    _mistake(folder, "name: frontend-sample", "name: frontend")

    with pytest.raises(UsageError) as caught:
        load_target(folder)

    phrases = ["named 'frontend'", "charts/none", "does not belong", "apps/none"]
    lines = str(caught.value).splitlines()
    assert len(lines) == len(phrases)
    assert all(phrase in line for phrase, line in zip(phrases, lines, strict=True))


@pytest.mark.parametrize(
    ("key", "value"), [("docs", r"\n  folder:.*\Z"), ("application", " argocd/frontend.yaml")]
)
def test_optional_key_without_a_value_is_refused(folder, key, value):
    """A key without a value is a mistake, and not an omitted key."""
    file = folder / "target.yaml"
    file.write_text(re.sub(rf"(?s){key}:{value}", f"{key}:\n", file.read_text(), count=1))

    with pytest.raises(UsageError, match=rf"target.yaml:\d+: '{key}' of .* must not be empty"):
        load_target(folder)


def test_sample_docs_are_three_pages():
    """The docs are in the directory of a site."""
    pages = SAMPLE / "docs" / "docs"

    assert load_target(SAMPLE).docs == Docs(
        folder=SAMPLE / "docs",
        page=pages / "registry-auth.md",
        referring=(pages / "ci-smart-build.md", pages / "onboarding.md"),
    )


def test_target_without_docs_is_read(folder):
    """REG-007 does not apply to such a target."""
    file = folder / "target.yaml"
    file.write_text(re.split(r"(?m)^docs:$", file.read_text())[0])

    assert load_target(folder).docs is None


def test_missing_page_is_no_file_error(folder):
    """REG-007 reports a missing page."""
    (folder / "docs" / "docs" / "registry-auth.md").unlink()

    assert load_target(folder).docs.page == folder / "docs" / "docs" / "registry-auth.md"


@pytest.mark.parametrize(
    ("workloads", "phrase"),
    [
        ("[]", "'workloads' of the target must not be empty"),
        ("frontend", "'workloads' of the target must be a list"),
        ("[frontend]", "item 1 of 'workloads' of the target must be a mapping, and is a text"),
    ],
    ids=["none", "no list", "no mapping"],
)
def test_workload_error_has_line(folder, workloads, phrase):
    """The list begins on line 10 of the sample."""
    file = folder / "target.yaml"
    before, _, after = file.read_text().partition("workloads:")
    workflow = after[after.index("workflow:\n") :]
    file.write_text(f"{before}workloads: {workloads}\n{workflow}")

    with pytest.raises(UsageError, match=phrase) as caught:
        load_target(folder)

    assert str(caught.value).startswith(f"{file}:10: ")


@pytest.mark.parametrize(
    "content", [b"", b"- schema: 1\n", b"\xff\xfe"], ids=["empty", "a list", "no text"]
)
def test_file_that_is_no_mapping_is_refused(folder, content):
    """The error names the first line."""
    file = folder / "target.yaml"
    file.write_bytes(content)

    with pytest.raises(UsageError) as caught:
        load_target(folder)

    assert str(caught.value).startswith(f"{file}")


def test_missing_target_file_is_refused(tmp_path):
    """The error says what TARGET must be."""
    with pytest.raises(UsageError) as caught:
        load_target(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}/target.yaml: no such file; TARGET must be a folder that holds a target.yaml."
    )


@pytest.mark.parametrize(
    ("right", "wrong", "line", "key"), HOSTILE_NAMES.values(), ids=HOSTILE_NAMES
)
def test_misleading_name_is_refused(folder, right, wrong, line, key):
    """The error lists the allowed names."""
    _mistake(folder, right, wrong)

    with pytest.raises(
        UsageError, match=rf"target.yaml:{line}: '{key}' of .*; it must match"
    ) as caught:
        load_target(folder)

    assert "\n" not in str(caught.value)
