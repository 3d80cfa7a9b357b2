"""Faults of REG-005: values that name another image than the wanted one."""

import re

from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import Fault, Symptom, pull_error
from pullrecovery.model import Cause

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
)
