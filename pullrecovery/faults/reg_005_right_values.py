"""Faults of REG-005: values that name another image than the wanted one."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace

from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import Fault, Looks, Symptom, pull_error, refused
from pullrecovery.model.observation import DeploymentSeen, PodSeen
from pullrecovery.model.verdict import Cause

_FAILS = frozenset({"REG-005", "REG-006"})


def _misname_repository(ground: Ground) -> None:
    ground.set_value("image.repository", f"{ground.workload.image.repository}-typo")


def _use_missing_tag(ground: Ground) -> None:
    ground.set_value("image.tag", "dev")


def _capitalise_owner(ground: Ground) -> None:
    target, image = ground.lab_world.world.target, ground.workload.image
    name = image.package.partition("/")[2]
    # As people do it: the owner spelt as the login is. A login without capitals would not do.
    login = target.login if target.login != target.login.lower() else target.owner.upper()
    ground.set_value("image.repository", f"{image.registry}/{login}/{name}")


def _put_tag_into_repository(ground: Ground) -> None:
    ground.set_value("image.repository", f"{ground.workload.image.repository}:latest")


def _append_a_blank(ground: Ground) -> None:
    # As a copied line brings it along; in quotes YAML keeps it.
    ground.set_value("image.tag", f"{ground.workload.image.tag} ")


def _use_a_number(ground: Ground) -> None:
    # Without quotes YAML reads a date as a number, and so it does 1.10 or 1e6.
    ground.set_value("image.tag", 20241105)


def _empty_repository(ground: Ground) -> None:
    # What a variable that a script did not set leaves behind.
    ground.set_value("image.repository", "")


def _pin_old_digest(ground: Ground) -> None:
    """A digest of an earlier build, left over in the values: it wins over the tag."""
    lab_world, image = ground.lab_world, ground.workload.image
    earlier = replace(image, tag=f"{image.tag[:12]}-earlier")
    ground.set_value("image.digest", lab_world.publish(earlier, ground.workload.app))


def _pin_unknown_digest(ground: Ground) -> None:
    nothing = hashlib.sha256(ground.namespace.encode()).hexdigest()
    ground.set_value("image.digest", f"sha256:{nothing}")


def _leave_developers_registry(ground: Ground) -> None:
    package = ground.workload.image.package
    ground.set_value("image.repository", f"localhost:5000/{package}")


def _override_in_a_later_file(ground: Ground) -> None:
    """A file of a release that is past, still given to Helm behind the others."""
    later = ground.workload.chart / "values-hotfix.yaml"
    later.write_text("# Until the fix is merged.\nimage:\n  tag: hotfix\n")
    values = (*ground.workload.values, later)
    ground.workload = replace(ground.workload, values=values)


def _runs_another_digest(deployment: DeploymentSeen, pods: tuple[PodSeen, ...], _: str) -> str:
    pinned = [image for image in deployment.images if "@sha256:" in image]
    ready = [pod.name for pod in pods if pod.ready]
    return f"{ready[0]} is Ready on {pinned[0]}" if pinned and ready else ""


def _takes_no_pod(deployment: DeploymentSeen, pods: tuple[PodSeen, ...], _: str) -> str:
    """The API server takes the Deployment as it is, and then none of its pods."""
    blank = "must not have leading or trailing whitespace" in deployment.replica_failure
    return deployment.replica_failure if blank and not pods else ""


def _give_own_image(ground: Ground, key: str, container: Mapping[str, object]) -> None:
    """One container with an image of its own, left behind when the server's was moved on."""
    image = f"{ground.workload.image.repository}:dev"
    ground.set_value(key, [{**container, "image": image}])


def _leave_init_container(ground: Ground) -> None:
    _give_own_image(ground, "initContainers", {"name": "prepare", "args": ["-help"]})


def _leave_second_container(ground: Ground) -> None:
    # The server's image is pulled while the second one's is not: it has to be asked for again.
    ground.set_value("image.pullPolicy", "Always")
    container = {"name": "second", "args": ["-listen", ":8081"], "imagePullPolicy": "Always"}
    _give_own_image(ground, "extraContainers", container)


def _leave_hook(ground: Ground) -> None:
    image = f"{ground.workload.image.repository}:dev"
    ground.set_value("preflight.enabled", True)
    ground.set_value("preflight.image", image)


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
        id="owner-in-capitals",
        reg="REG-005",
        cause=Cause.INVALID_REFERENCE,
        must_fail=_FAILS,
        symptom=Symptom(frozenset({"InvalidImageName"}), re.compile(r"must be lowercase")),
        break_it=_capitalise_owner,
    ),
    Fault(
        id="tag-in-repository",
        reg="REG-005",
        cause=Cause.INVALID_REFERENCE,
        must_fail=_FAILS,
        symptom=Symptom(
            frozenset({"InvalidImageName"}), re.compile(r":latest:.*invalid reference format")
        ),
        break_it=_put_tag_into_repository,
    ),
    Fault(
        id="tag-with-blank",
        reg="REG-005",
        cause=Cause.INVALID_REFERENCE,
        must_fail=_FAILS,
        symptom=Looks("the API server takes no pod", _takes_no_pod),
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
        id="digest-of-another-build",
        reg="REG-005",
        cause=Cause.DIGEST_PINNED,
        must_fail=_FAILS,
        symptom=Looks("pods are Ready on a pinned digest", _runs_another_digest),
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
        id="registry-of-a-developer",
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
        id="init-container-only",
        reg="REG-005",
        cause=Cause.CONTAINER_IMAGE,
        must_fail=_FAILS,
        symptom=pull_error(r":dev: not found"),
        break_it=_leave_init_container,
        needs=("initContainers",),
    ),
    Fault(
        id="second-container-only",
        reg="REG-005",
        cause=Cause.CONTAINER_IMAGE,
        must_fail=_FAILS,
        symptom=pull_error(r":dev: not found"),
        break_it=_leave_second_container,
        needs=("extraContainers",),
    ),
    Fault(
        id="hook-only",
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
