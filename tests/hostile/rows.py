"""Hostile targets that end before a lab is needed, each with one clear error."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fixtures.lab.hostile_rows import Actor, HostileRow, Reader
from pullrecovery.deploy.helm import Helm
from pullrecovery.lab.docs_site.docusaurus_build import site_files
from pullrecovery.lab.docs_site.npm_files import npm_files
from pullrecovery.lab.images.dockerfile import check_dockerfile
from pullrecovery.model.target import Workload
from pullrecovery.model.workflow_file import parse
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.monorepo.values_file import edited
from pullrecovery.registry.keyring import read_entries

_BOMB = "a0: &a0 {x: y}\n" + "".join(
    f"a{at}: &a{at} {{p: *a{at - 1}, q: *a{at - 1}, r: *a{at - 1}}}\n" for at in range(1, 30)
)
_METADATA = "http://169.254.169.254/latest"
_VALUES = "charts/frontend/values-dev.yaml"
_WORKFLOW = ".github/workflows/ci.yml"

Change = Callable[[Path], None]


@dataclass(frozen=True)
class UnitRow(HostileRow):
    """A row whose `change` is made in a copy of the sample; `error` is a regular expression.

    Without `read` the target is committed and judged by `gate`; `code` is its exit code.
    """

    change: Change
    error: str
    read: Callable[[Path], object] | None = None
    code: int = 4


def _text(file: str, old: str, new: str) -> Change:
    """Return a change that replaces a text of a file once."""

    def change(target: Path) -> None:
        before = (target / file).read_text()
        assert old in before
        (target / file).write_text(before.replace(old, new, 1))

    return change


def _whole(file: str, content: str | bytes) -> Change:
    """Return a change that overwrites a file."""

    def change(target: Path) -> None:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (target / file).unlink(missing_ok=True)
        (target / file).write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


def _link(file: str, leads: str) -> Change:
    """Return a change that replaces a file by a symbolic link."""

    def change(target: Path) -> None:
        (target / file).unlink(missing_ok=True)
        (target / file).symlink_to(leads)

    return change


def _submodule(path: str) -> Change:
    """Return a change that commits a submodule in place of a directory."""

    def change(target: Path) -> None:
        made = ["git", "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{path}"]
        subprocess.run(["git", "init", "-q"], cwd=target, check=True)
        subprocess.run(made, cwd=target, check=True)
        (target / path).mkdir()

    return change


def _lock(place: str, entry: dict[str, object]) -> Change:
    """Return a change that adds an entry to the lock file of the docs site."""

    def change(target: Path) -> None:
        file = target / "docs" / "package-lock.json"
        document = json.loads(file.read_text())
        document["packages"][place] = entry
        file.write_text(json.dumps(document))

    return change


def _values_of_the_machine(target: Path) -> None:
    """Name a file of the target by a path that Helm would split into two."""
    chart = target / "charts/frontend"
    (chart / "a").write_text("{}")
    _whole("charts/frontend/a,/etc/x.yaml", "{}")(target)
    named = '["charts/frontend/a,/etc/x.yaml"]'
    _text("target.yaml", f"[{_VALUES}]", named)(target)


def _linked_values(target: Path) -> None:
    """Link to such a file within the target."""
    _whole("charts/frontend/a,/etc/x.yaml", "{}")(target)
    _link(_VALUES, "a,/etc/x.yaml")(target)


def _schema(content: object) -> Change:
    return _whole("charts/frontend/values.schema.json", json.dumps(content))


def _workload(target: Path) -> Workload:
    return load_target(target).workloads[0]


def _render(target: Path) -> object:
    # No Helm: it would only start if the chart were accepted.
    return Helm(Path(os.devnull), {}).template(_workload(target))


def _edit(target: Path) -> object:
    return edited((target / _VALUES).read_text(), {"image.tag": lambda _: "v1"})


def _parse(target: Path) -> object:
    return parse((target / _WORKFLOW).read_text())


def _dockerfile(target: Path) -> object:
    return check_dockerfile(target / "apps/frontend/Dockerfile")


def _packages(target: Path) -> object:
    return npm_files(target / "docs")


def _site(target: Path) -> object:
    return site_files(target / "docs")


def _secret(target: Path) -> object:
    return read_entries((target / "secret.json").read_text())


_LEAVES = "is a symbolic link to .*, which leads out of the target"

AUTHOR = (
    ("target-chart-beyond", Reader.TARGET, _text("target.yaml", "chart: charts/frontend\n", "chart: /etc\n"), r"target\.yaml:12: chart '/etc' lies outside"),
    ("target-bomb-of-aliases", Reader.TARGET, _whole("target.yaml", _BOMB), r"target\.yaml:\d+: not valid YAML"),
    ("target-is-a-link", Reader.TARGET, _link("target.yaml", "/proc/self/environ"), rf"target\.yaml of .* {_LEAVES}"),
    ("target-name-is-an-option", Reader.TARGET, _text("target.yaml", "- name: frontend\n", "- name: --post-renderer=sh\n"), r"target\.yaml:11: 'name' of workload 1 is '--post-renderer=sh'; it must match"),
    ("chart-file-is-a-link", Reader.CHART, _link("charts/frontend/files", "/proc/self/environ"), rf"charts/frontend/files of .* {_LEAVES}"),
    ("template-is-a-link", Reader.CHART, _link("charts/frontend/templates/x.yaml", "../../../../../etc/shadow"), rf"templates/x\.yaml of .* {_LEAVES}"),
    ("chart-yaml-is-a-link", Reader.CHART, _link("charts/frontend/Chart.yaml", "/etc/machine-id"), rf"Chart\.yaml of .* {_LEAVES}"),
    ("schema-reads-a-file", Reader.CHART, _schema({"$ref": "file:///etc/shadow"}), r"frontend/values\.schema\.json refers to 'file:///etc/shadow'", _render),
    ("schema-sends-a-request", Reader.CHART, _schema({"allOf": [{"$ref": _METADATA}]}), r"values\.schema\.json refers to 'http://169", _render),
    ("workflow-beyond", Reader.WORKFLOW, _text("target.yaml", _WORKFLOW, "../../etc/passwd"), r"target\.yaml:\d+: file '\.\./\.\./etc/passwd' lies outside"),
    ("workflow-is-a-link", Reader.WORKFLOW, _link(_WORKFLOW, "/etc/shadow"), rf"ci\.yml of .* {_LEAVES}"),
    ("workflow-bomb-of-aliases", Reader.WORKFLOW, _whole(_WORKFLOW, _BOMB), r"\d+: not valid YAML: its aliases", _parse),
    ("workflow-nested-too-deep", Reader.WORKFLOW, _whole(_WORKFLOW, "on: " + "[" * 5000), r"\d+: not valid YAML", _parse),
    ("dockerfile-adds-an-address", Reader.DOCKERFILE, _whole("apps/frontend/Dockerfile", f"FROM scratch\nADD {_METADATA} /\n"), r"apps/frontend/Dockerfile:2: .* ADD may fetch", _dockerfile),
    ("dockerfile-hides-an-address", Reader.DOCKERFILE, _whole("apps/frontend/Dockerfile", "ARG A=http\nFROM scratch\nAD\\\nD $A /\n"), r"Dockerfile:3: .* ADD may fetch", _dockerfile),
    ("dockerfile-is-a-link", Reader.DOCKERFILE, _link("apps/frontend/Dockerfile", "/etc/shadow"), rf"apps/frontend/Dockerfile of .* {_LEAVES}"),
    ("dockerfile-is-no-text", Reader.DOCKERFILE, _whole("apps/frontend/Dockerfile", b"\xff\xfe"), r"Dockerfile cannot be read", _dockerfile),
    ("docs-page-is-a-link", Reader.DOCS, _link("docs/docs/onboarding.md", "/etc/shadow"), rf"onboarding\.md of .* {_LEAVES}"),
    ("docs-lock-links-a-folder", Reader.DOCS, _lock("node_modules/a", {"link": True, "resolved": "/etc"}), r"package-lock\.json: node_modules/a is a folder or a link", _packages),
    ("docs-lock-names-an-address", Reader.DOCS, _lock("node_modules/a", {"version": "git+ssh://a.invalid/b"}), r"has the version 'git\+ssh", _packages),
    ("docs-manifest-names-a-folder", Reader.DOCS, _text("docs/package.json", '"dependencies": {', '"dependencies": {"a": "file:/etc",'), r"package\.json: a of the site is 'file:/etc'", _packages),
    ("docs-settings-are-a-link", Reader.DOCS, _link("docs/.npmrc", "/root-of-somebody/.npmrc"), r"\.npmrc in .* is a symbolic link", _site),
    ("application-path-beyond", Reader.APPLICATION, _text("argocd/frontend.yaml", "path: ", "path: ../../etc # "), r"argocd/frontend\.yaml"),
    ("application-is-a-link", Reader.APPLICATION, _link("argocd/frontend.yaml", "/etc/shadow"), rf"argocd/frontend\.yaml of .* {_LEAVES}"),
    ("application-bomb-of-aliases", Reader.APPLICATION, _whole("argocd/frontend.yaml", _BOMB), r"argocd/frontend\.yaml:\d+: not valid YAML"),
    ("git-submodule", Reader.GIT, _submodule("charts/frontend/charts"), r"charts/frontend/charts of .* is a submodule"),
    ("git-link-by-a-detour", Reader.GIT, _link("apps/frontend/x", "../../charts/../../../etc"), rf"apps/frontend/x of .* {_LEAVES}"),
    ("git-link-to-itself", Reader.GIT, _link("charts/loop", "loop"), rf"charts/loop of .* {_LEAVES}"),
)  # fmt: skip
VALUES = (
    ("values-path-is-a-list", Reader.VALUES, _values_of_the_machine, r"target\.yaml:13: values 'charts/frontend/a,/etc/x\.yaml': its path has a comma"),
    ("values-link-to-a-list", Reader.VALUES, _linked_values, r"target\.yaml:13: values 'charts/frontend/values-dev\.yaml': its path has a comma"),
    ("values-are-a-link", Reader.VALUES, _link(_VALUES, "/proc/self/environ"), rf"values-dev\.yaml of .* {_LEAVES}"),
    ("values-link-into-git", Reader.VALUES, _link(_VALUES, "../../.git/config"), r"values 'charts/frontend/values-dev\.yaml' does not exist"),
    ("values-bomb-of-aliases", Reader.VALUES, _whole(_VALUES, _BOMB), r"values:\d+: not valid YAML: its aliases", _edit),
    ("values-within-themselves", Reader.VALUES, _whole(_VALUES, "a: &a\n- *a\n"), r"values:\d+: not valid YAML", _edit),
    ("values-twice", Reader.VALUES, _whole(_VALUES, "image: {tag: a}\n---\nimage: {tag: b}\n"), r"values:\d+: not valid YAML", _edit),
)  # fmt: skip
WORKLOAD = (
    ("secret-nested-too-deep", Reader.SECRET, _whole("secret.json", '{"auths": ' + "[" * 100_000), r"it is not JSON", _secret),
    ("secret-of-a-lone-surrogate", Reader.SECRET, _whole("secret.json", '{"auths": {"ghcr.io": {"auth": "\\ud800"}}}'), r"`auth` is not base64", _secret),
    ("secret-of-5000-digits", Reader.SECRET, _whole("secret.json", f'{{"auths": {"9" * 5000}}}'), r"is no mapping of servers", _secret),
)  # fmt: skip
ROWS = tuple(
    UnitRow(name, actor, *rest)
    for actor, rows in (
        (Actor.AUTHOR, AUTHOR),
        (Actor.VALUES, VALUES),
        (Actor.WORKLOAD, WORKLOAD),
    )
    for name, *rest in rows
)
