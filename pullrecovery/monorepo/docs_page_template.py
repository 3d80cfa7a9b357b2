"""The text of the REG-007 docs page, generated from the target's own file."""

import re
from pathlib import Path
from shlex import quote

from pullrecovery.model.target import Target, Workload
from pullrecovery.monorepo.docs_page import SUBJECTS, chart_of

_TEMPLATE = Path(__file__).with_name("registry_auth.md")


def page_text(target: Target, page_id: str) -> str:
    """The whole page, with its four subjects."""
    facts = {
        "ID": page_id,
        "REGISTRY": target.registry,
        "OWNER": target.owner,
        "LOGIN": target.login,
        "SECRET": target.pull_secret,
        "TAG": target.workloads[0].image.tag,
        "REPOSITORY": target.workloads[0].image.repository,
        "NAMESPACES": " ".join(dict.fromkeys(workload.namespace for workload in target.workloads)),
        "IMAGES": "\n".join(_image_row(target, workload) for workload in target.workloads),
        "KEYS": "\n".join(
            f"| `{chart_of(target, workload.name)}` | `{workload.pull_secrets_key}` |"
            for workload in target.workloads
        ),
        "TEMPLATES": "\n".join(
            f"helm template {_release(target, workload)} | grep 'image:'"
            for workload in target.workloads
        ),
        "UPGRADES": "\n".join(
            line for workload in target.workloads for line in _upgrade(target, workload)
        ),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"@([A-Z]+)@", lambda match: facts[match[1]], text)


def section_about(target: Target, subject: str) -> str:
    """The page's section about one of the four subjects, including its heading."""
    sections = re.split(r"(?m)^(?=## )", page_text(target, ""))[1:]
    heading = SUBJECTS[subject]
    return next(section for section in sections if heading.search(section.splitlines()[0]))


def _image_row(target: Target, workload: Workload) -> str:
    file = workload.values_file.name
    return f"| `{workload.image.repository}` | `{chart_of(target, workload.name)}` | `{file}` |"


def _release(target: Target, workload: Workload) -> str:
    """Name, chart and values files, as arguments of helm in the target's directory."""
    files = (file.relative_to(target.root).as_posix() for file in workload.values)
    values = "".join(f" --values {quote(file)}" for file in files)
    return f"{quote(workload.name)} {quote(chart_of(target, workload.name))}{values}"


def _upgrade(target: Target, workload: Workload) -> tuple[str, ...]:
    place = f"--namespace {quote(workload.namespace)}"
    selector = f"--selector {quote(f'app.kubernetes.io/instance={workload.name}')}"
    return (
        f"helm upgrade --install {_release(target, workload)} {place}",
        f"kubectl delete pod {place} {selector} --field-selector status.phase=Pending",
        f"kubectl rollout status deployment {place} {selector} --timeout 50s",
    )
