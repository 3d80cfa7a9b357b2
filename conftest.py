"""Wiring only: which plugins there are, and what the header says."""

import pytest

from pullrecovery import __version__

pytest_plugins = [
    "fixtures.options",
    "fixtures.lab",
    "fixtures.live",
    "fixtures.user_cluster",
    "fixtures.live_gate",
    "fixtures.suite_image",
    "fixtures.played_workflows",
    "fixtures.matrix",
    "fixtures.turns",
    "fixtures.controls",
    "fixtures.scenario",
    "fixtures.documents",
    "fixtures.grounds",
    "fixtures.argocd",
    "fixtures.runbook",
    "fixtures.gate_hook",
    "fixtures.nightly",
    "fixtures.argocd_gate",
    "fixtures.held_syncs",
    "fixtures.remedy",
    "fixtures.external",
    "fixtures.harness",
    "fixtures.execs",
    "fixtures.hostile",
    "fixtures.hostile_gate",
    "fixtures.evidence",
    "fixtures.story",
    "fixtures.suggested",
    "fixtures.selection",
    "fixtures.scheduling",
    "fixtures.ordering",
    "fixtures.garbage",
]


def pytest_report_header(config: pytest.Config) -> str:
    return f"pull-recovery {__version__}, target {config.getoption('target')}"
