"""Register the suite's pytest plugins and the report's header."""

import pytest

from pullrecovery.common.suite_version import suite_version

pytest_plugins = [
    "fixtures.plugin.options",
    "fixtures.plugin.records",
    "fixtures.lab.lab",
    "fixtures.lab.live",
    "fixtures.lab.user_cluster",
    "fixtures.gate.live_gate",
    "fixtures.gate.suite_image",
    "fixtures.lab.played_workflows",
    "fixtures.scenario.matrix",
    "fixtures.plugin.exclusive",
    "fixtures.scenario.controls",
    "fixtures.scenario.scenario",
    "fixtures.scenario.remediation",
    "fixtures.scenario.documents",
    "fixtures.scenario.sandboxes",
    "fixtures.lab.argocd",
    "fixtures.scenario.runbook",
    "fixtures.gate.gate_hook",
    "fixtures.lab.nightly",
    "fixtures.gate.argocd_gate",
    "fixtures.gate.held_syncs",
    "fixtures.scenario.external",
    "fixtures.plugin.harness",
    "fixtures.plugin.result_file",
    "fixtures.lab.execs",
    "fixtures.lab.hostile",
    "fixtures.lab.hostile_gate",
    "fixtures.scenario.evidence",
    "fixtures.scenario.story",
    "fixtures.scenario.suggested_commands",
    "fixtures.plugin.scheduling",
    "fixtures.plugin.collection",
    "fixtures.plugin.garbage_collection",
]


def pytest_report_header(config: pytest.Config) -> str:
    return f"pull-recovery {suite_version()}, target {config.getoption('target')}"
