"""Hostile targets that tests elsewhere cover, each with its test."""

from dataclasses import dataclass

from fixtures.lab.hostile_rows import Actor, HostileRow, Reader


@dataclass(frozen=True)
class ShownRow(HostileRow):
    """A row that a test elsewhere covers, by the test's file and name."""

    test: str


ROWS = (
    ShownRow("git-replace-ref", Actor.AUTHOR, Reader.GIT, "tests/gate/test_commit.py::test_replaced_commit_is_judged_as_cloned"),
    ShownRow("git-attributes", Actor.AUTHOR, Reader.GIT, "tests/gate/test_commit.py::test_outer_attributes_change_nothing"),
    ShownRow("git-repository-in-target", Actor.AUTHOR, Reader.GIT, "tests/gate/test_commit.py::test_repository_like_target_runs_nothing"),
    ShownRow("docs-everything", Actor.AUTHOR, Reader.DOCS, "acceptance/test_hostile_docs.py::test_hostile_docs_reach_only_their_site"),
    ShownRow("docs-fork", Actor.AUTHOR, Reader.DOCS, "acceptance/test_hostile_docs.py::test_hostile_docs_process_count_is_limited"),
    ShownRow("docs-fill", Actor.AUTHOR, Reader.DOCS, "acceptance/test_hostile_docs.py::test_hostile_docs_memory_and_disk_are_limited"),
    ShownRow("chart-cluster-role-binding", Actor.AUTHOR, Reader.CHART, "acceptance/test_hostile_chart.py::test_cluster_scoped_objects_are_skipped"),
    ShownRow("chart-rights", Actor.AUTHOR, Reader.CHART, "acceptance/test_hostile_chart.py::test_chart_gets_no_rights_beyond_sandbox"),
    ShownRow("chart-host-path-and-privileged", Actor.AUTHOR, Reader.CHART, "acceptance/test_hostile_chart.py::test_pods_beyond_baseline_do_not_run"),
    ShownRow("chart-lookup", Actor.AUTHOR, Reader.CHART, "acceptance/test_hostile_chart.py::test_chart_lookup_reads_own_namespace_only"),
    ShownRow("values-for-the-hook", Actor.VALUES, Reader.APPLICATION, "acceptance/test_argocd_held_syncs.py::test_values_overriding_hook_hold_sync"),
    ShownRow("sync-not-judged", Actor.ENVIRONMENT, Reader.APPLICATION, "acceptance/test_argocd_held_syncs.py::test_sync_of_what_was_not_judged_is_held"),
    ShownRow("values-broken", Actor.VALUES, Reader.VALUES, "tests/hostile/test_broken_inputs.py::test_broken_values_name_no_image"),
    ShownRow("secret-broken", Actor.WORKLOAD, Reader.SECRET, "tests/hostile/test_broken_inputs.py::test_broken_pull_secret_is_unreadable"),
    ShownRow("image-of-another", Actor.WORKLOAD, Reader.CLUSTER, "tests/gate/hook/test_hook.py::test_pull_of_another_image_is_no_pull"),
    ShownRow("injected-container", Actor.WORKLOAD, Reader.CLUSTER, "tests/gate/hook/test_hook.py::test_stuck_injected_container_is_not_blamed"),
    ShownRow("control-api", Actor.WORKLOAD, Reader.CLUSTER, "acceptance/test_control_api.py::test_pod_without_control_secret_is_refused"),
    ShownRow("process-environment", Actor.USER, Reader.MACHINE, "tests/common/test_secret_variables.py::test_child_has_no_secret_in_environment"),
    ShownRow("command-line", Actor.USER, Reader.MACHINE, "tests/common/test_process.py::test_secret_goes_through_stdin"),
    ShownRow("keys-of-the-lab", Actor.USER, Reader.MACHINE, "tests/lab/registry/test_fault_switches.py::test_certificate_keys_are_private"),
    ShownRow("rules-of-the-user", Actor.LAB, Reader.MACHINE, "tests/lab/engine/test_host_network.py::test_rules_of_the_user_survive_the_lab"),
    ShownRow("network-of-the-user", Actor.LAB, Reader.MACHINE, "tests/lab/engine/test_network.py::test_foreign_network_is_kept"),
    ShownRow("container-of-the-user", Actor.LAB, Reader.MACHINE, "tests/lab/runner/test_runner.py::test_foreign_container_is_kept"),
)  # fmt: skip
