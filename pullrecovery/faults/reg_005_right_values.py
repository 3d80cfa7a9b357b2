"""Faults of REG-005: values that name another image than the wanted one."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace

from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import PodSymptom, ReleaseSymptom, pull_error, refused
from pullrecovery.model.observation import DeploymentStatus, PodStatus
from pullrecovery.model.verdict import Cause

_FAILS = frozenset({"REG-005", "REG-006"})


def _misname_repository(sandbox: Sandbox) -> None:
    sandbox.set_value("image.repository", f"{sandbox.workload.image.repository}-typo")


def _use_missing_tag(sandbox: Sandbox) -> None:
    sandbox.set_value("image.tag", "dev")


def _capitalise_owner(sandbox: Sandbox) -> None:
    target, image = sandbox.lab_world.target, sandbox.workload.image
    name = image.package.partition("/")[2]
    # A common mistake: the owner spelt like the login. A login without capitals would be valid.
    login = target.login if target.login != target.login.lower() else target.owner.upper()
    sandbox.set_value("image.repository", f"{image.registry}/{login}/{name}")


def _put_tag_into_repository(sandbox: Sandbox) -> None:
    sandbox.set_value("image.repository", f"{sandbox.workload.image.repository}:latest")


def _append_a_blank(sandbox: Sandbox) -> None:
    # A copied line often has it; in quotes, YAML preserves it.
    sandbox.set_value("image.tag", f"{sandbox.workload.image.tag} ")


def _use_a_number(sandbox: Sandbox) -> None:
    # Without quotes, YAML reads a date as a number, and also 1.10 or 1e6.
    sandbox.set_value("image.tag", 20241105)


def _empty_repository(sandbox: Sandbox) -> None:
    # The result of a script with an unset variable.
    sandbox.set_value("image.repository", "")


def _pin_old_digest(sandbox: Sandbox) -> None:
    """Leave a digest of an earlier build in the values, which overrides the tag."""
    lab_world, image = sandbox.lab_world, sandbox.workload.image
    earlier = replace(image, tag=f"{image.tag[:12]}-earlier")
    sandbox.set_value("image.digest", lab_world.publish(earlier, sandbox.workload.app))


def _pin_unknown_digest(sandbox: Sandbox) -> None:
    nothing = hashlib.sha256(sandbox.namespace.encode()).hexdigest()
    sandbox.set_value("image.digest", f"sha256:{nothing}")


def _leave_developers_registry(sandbox: Sandbox) -> None:
    package = sandbox.workload.image.package
    sandbox.set_value("image.repository", f"localhost:5000/{package}")


def _override_in_a_later_file(sandbox: Sandbox) -> None:
    """Pass a values file of an earlier release to Helm after the others."""
    later = sandbox.workload.chart / "values-hotfix.yaml"
    later.write_text("# Until the fix is merged.\nimage:\n  tag: hotfix\n")
    values = (*sandbox.workload.values, later)
    sandbox.workload = replace(sandbox.workload, values=values)


def _runs_another_digest(deployment: DeploymentStatus, pods: tuple[PodStatus, ...], _: str) -> str:
    pinned = [image for image in deployment.images if "@sha256:" in image]
    ready = [pod.name for pod in pods if pod.ready]
    return f"{ready[0]} is Ready on {pinned[0]}" if pinned and ready else ""


def _takes_no_pod(deployment: DeploymentStatus, pods: tuple[PodStatus, ...], _: str) -> str:
    """The symptom of a Deployment that the API server accepts while it rejects its pods."""
    blank = "must not have leading or trailing whitespace" in deployment.replica_failure
    return deployment.replica_failure if blank and not pods else ""


def _give_own_image(sandbox: Sandbox, key: str, container: Mapping[str, object]) -> None:
    """Leave an old image in one container, as if only the server's image had been updated."""
    image = f"{sandbox.workload.image.repository}:dev"
    sandbox.set_value(key, [{**container, "image": image}])


def _leave_init_container(sandbox: Sandbox) -> None:
    _give_own_image(sandbox, "initContainers", {"name": "prepare", "args": ["-help"]})


def _leave_second_container(sandbox: Sandbox) -> None:
    # The server's image must be pulled while the second one's is not: pull it again.
    sandbox.set_value("image.pullPolicy", "Always")
    container = {"name": "second", "args": ["-listen", ":8081"], "imagePullPolicy": "Always"}
    _give_own_image(sandbox, "extraContainers", container)


def _leave_hook(sandbox: Sandbox) -> None:
    image = f"{sandbox.workload.image.repository}:dev"
    sandbox.set_value("preflight.enabled", True)
    sandbox.set_value("preflight.image", image)


FAULTS = (
    Fault(
        id="repository-typo",
        reg="REG-005",
        cause=Cause.WRONG_REPOSITORY,
        must_fail=_FAILS,
        symptom=pull_error(r"not found"),
        break_it=_misname_repository,
    ),
    Fault(
        id="tag-dev",
        reg="REG-005",
        cause=Cause.WRONG_TAG,
        must_fail=_FAILS,
        symptom=pull_error(r":dev: not found"),
        break_it=_use_missing_tag,
    ),
    Fault(
        id="owner-uppercase",
        reg="REG-005",
        cause=Cause.INVALID_REFERENCE,
        must_fail=_FAILS,
        symptom=PodSymptom(frozenset({"InvalidImageName"}), re.compile(r"must be lowercase")),
        break_it=_capitalise_owner,
    ),
    Fault(
        id="tag-in-repository",
        reg="REG-005",
        cause=Cause.INVALID_REFERENCE,
        must_fail=_FAILS,
        symptom=PodSymptom(
            frozenset({"InvalidImageName"}), re.compile(r":latest:.*invalid reference format")
        ),
        break_it=_put_tag_into_repository,
    ),
    Fault(
        id="tag-with-space",
        reg="REG-005",
        cause=Cause.INVALID_REFERENCE,
        must_fail=_FAILS,
        symptom=ReleaseSymptom("the API server takes no pod", _takes_no_pod),
        break_it=_append_a_blank,
    ),
    Fault(
        id="tag-as-number",
        reg="REG-005",
        cause=Cause.TAG_NOT_TEXT,
        must_fail=_FAILS,
        symptom=refused(r"at '/image/tag': got number, want string"),
        break_it=_use_a_number,
        needs=("values.schema.json",),
    ),
    Fault(
        id="repository-empty",
        reg="REG-005",
        cause=Cause.VALUES_REFUSED,
        must_fail=_FAILS,
        symptom=refused(r"at '/image/repository': minLength: got 0, want 1"),
        break_it=_empty_repository,
        needs=("values.schema.json",),
    ),
    Fault(
        id="digest-of-other-build",
        reg="REG-005",
        cause=Cause.DIGEST_PINNED,
        must_fail=_FAILS,
        symptom=ReleaseSymptom("pods are Ready on a pinned digest", _runs_another_digest),
        break_it=_pin_old_digest,
        needs=("image.digest",),
    ),
    Fault(
        id="digest-unknown",
        reg="REG-005",
        cause=Cause.DIGEST_PINNED,
        must_fail=_FAILS,
        symptom=pull_error(r"@sha256:[0-9a-f]{64}: not found"),
        break_it=_pin_unknown_digest,
        needs=("image.digest",),
    ),
    Fault(
        id="registry-localhost",
        reg="REG-005",
        cause=Cause.WRONG_REGISTRY,
        must_fail=_FAILS,
        symptom=pull_error(r"localhost:5000/v2/.*connection refused"),
        break_it=_leave_developers_registry,
    ),
    Fault(
        id="later-file-overrides-tag",
        reg="REG-005",
        cause=Cause.WRONG_TAG,
        must_fail=_FAILS,
        symptom=pull_error(r":hotfix: not found"),
        break_it=_override_in_a_later_file,
    ),
    Fault(
        id="wrong-tag-in-init-container",
        reg="REG-005",
        cause=Cause.CONTAINER_IMAGE,
        must_fail=_FAILS,
        symptom=pull_error(r":dev: not found"),
        break_it=_leave_init_container,
        needs=("initContainers",),
    ),
    Fault(
        id="wrong-tag-in-second-container",
        reg="REG-005",
        cause=Cause.CONTAINER_IMAGE,
        must_fail=_FAILS,
        symptom=pull_error(r":dev: not found"),
        break_it=_leave_second_container,
        needs=("extraContainers",),
    ),
    Fault(
        id="wrong-tag-in-hook",
        reg="REG-005",
        cause=Cause.CONTAINER_IMAGE,
        must_fail=_FAILS,
        symptom=pull_error(r":dev: not found"),
        break_it=_leave_hook,
        helm_says=r"failed pre-install: .*(timed out waiting|context deadline exceeded)",
        sync_says=r"Running: waiting for completion of hook batch/Job",
        needs=("preflight",),
    ),
)
