"""Find images, Secrets and charts in a docs page, as a browser shows the page."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pullrecovery.model.docs_site import WebPage
from pullrecovery.model.target import Target

# The four subjects of REG-007, each with a pattern that its heading matches.
SUBJECTS: Mapping[str, re.Pattern[str]] = {
    "how CI names images and which chart takes which": re.compile(
        r"\bnam(e|es|ed|ing)\b.*\bimages?\b|\bimages?\b.*\bnam(e|es|ed|ing)\b|\bwhich chart\b",
        re.IGNORECASE,
    ),
    "listing and verifying tags": re.compile(r"\btags?\b", re.IGNORECASE),
    "the pull secret and its wiring": re.compile(r"\bpull ?secrets?\b", re.IGNORECASE),
    "case sensitivity": re.compile(r"\bcase\b|\bcapitals?\b", re.IGNORECASE),
}
_SECRETS = (
    re.compile(r"\bsecret docker-registry ([\w.-]+)"),
    re.compile(r"\b(?:get|describe|delete) secrets? ([\w.-]+)"),
    re.compile(r"imagePullSecrets[\"']?:[\s\[{-]*[\"']?name[\"']?:\s*[\"']?([\w.-]+)"),
)
_TOO_SHORT = 80


@dataclass(frozen=True)
class NamedImages:
    """Wrong or missing repositories in a page.

    `capitals` are repositories whose owner has a capital letter, `stale` repositories that no
    workload uses, and `untold` charts whose repository is in no row of a table.
    """

    capitals: tuple[str, ...]
    stale: tuple[str, ...]
    untold: tuple[str, ...]


def missing_subjects(page: WebPage) -> list[str]:
    """The subjects that no section of the page covers; an empty section covers nothing."""
    titles = [section.title for section in page.sections if len(section.text) >= _TOO_SHORT]
    return [
        subject
        for subject, heading in SUBJECTS.items()
        if not any(heading.search(title) for title in titles)
    ]


def repositories_in(text: str, registry: str) -> list[str]:
    """Every repository of `registry` in `text`, once; placeholders are ignored."""
    part = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
    return list(dict.fromkeys(re.findall(rf"\b{re.escape(registry)}/{part}/{part}", text)))


def named_images(target: Target, page: WebPage) -> NamedImages:
    """Compare the page's image references with those of the target's workloads."""
    wanted = {
        chart_of(target, workload.name): workload.image.repository for workload in target.workloads
    }
    named = repositories_in(page.text, target.registry)
    capitals = [
        repository
        for repository in named
        if repository.split("/")[1] != repository.split("/")[1].lower()
    ]
    stale = [
        repository
        for repository in named
        if repository not in wanted.values() and repository not in capitals
    ]
    shown = chart_table(target, page.rows)
    swapped = [
        f"{chart} is said to take {repository}, not {wanted[chart]}"
        for chart, repository in shown.items()
        if repository != wanted[chart] and repository in wanted.values()
    ]
    untold = [
        f"no table says that {chart} takes {wanted[chart]}"
        for chart in wanted.keys() - shown.keys()
    ]
    unknown = [f"{repository} is no workload's" for repository in stale]
    return NamedImages(tuple(capitals), (*unknown, *swapped), tuple(sorted(untold)))


def chart_of(target: Target, workload: str) -> str:
    """A workload's chart as a page names it: its directory relative to the target's."""
    return target.workload(workload).chart.relative_to(target.root).as_posix()


def chart_table(target: Target, rows: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """The repository for each chart, from the table rows that have one of each."""
    charts = {chart_of(target, workload.name) for workload in target.workloads}
    repositories: dict[str, str] = {}
    for row in rows:
        for chart in charts.intersection(row):
            named = [
                repository for cell in row for repository in repositories_in(cell, target.registry)
            ]
            if named:
                repositories[chart] = named[0]
    return repositories


def named_secrets(page: WebPage) -> list[str]:
    """Every Secret that the page's commands name, once."""
    code = "\n".join(page.code)
    return list(dict.fromkeys(name for secret in _SECRETS for name in secret.findall(code)))
