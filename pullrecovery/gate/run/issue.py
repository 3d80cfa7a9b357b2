"""Make the verdict from the tiers' judgement, with its time, expiry and decision."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pullrecovery.common.suite_version import suite_commit, suite_version
from pullrecovery.gate.defaults import VALID_FOR
from pullrecovery.gate.run.judge import JudgedRevision
from pullrecovery.gate.run.tiers import Judgement
from pullrecovery.gate.verdict.document import GateVerdict


@dataclass(frozen=True)
class GateEnvironment:
    """Where a revision was judged: whose images (`lab` or `live`), and the Kubernetes version."""

    world: str
    kubernetes: str


def issue(
    revision: JudgedRevision,
    sha: str,
    judgement: Judgement,
    place: GateEnvironment,
    *,
    valid: timedelta = VALID_FOR,
) -> GateVerdict:
    """Return a verdict of now on the commit `sha`; it reads the charts for their digests."""
    now = datetime.now(UTC).replace(microsecond=0)
    return GateVerdict(
        revision=sha,
        target=revision.target.name,
        suite=suite_version(),
        suite_commit=suite_commit(),
        issued=now,
        expires=now + valid,
        world=place.world,
        kubernetes=place.kubernetes,
        workloads=revision.workloads(),
        checks=judgement.checks,
        doubts=judgement.doubts,
        tiers=judgement.tiers,
    ).decided()
