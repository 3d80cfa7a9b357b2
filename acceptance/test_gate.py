"""The gate's tiers on one revision of a workload, in a running lab.

tests/gate covers without a lab that one tier stops the next, and what follows from a verdict.
"""

import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from pullrecovery import tasks
from pullrecovery.common.suite_version import suite_commit, suite_version
from pullrecovery.gate.releases import Deployed
from pullrecovery.gate.run.in_lab import judge_in
from pullrecovery.gate.run.issue import GateEnvironment, issue
from pullrecovery.gate.run.judge import JudgedRevision
from pullrecovery.gate.run.start_charts import judge_started
from pullrecovery.gate.verdict.document import Decision
from pullrecovery.gate.verdict.signing import VerdictExpectation, sign, verify
from pullrecovery.lab.seed import LabWorld
from pullrecovery.model.target import Workload
from pullrecovery.model.verdict import Cause, failing
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.monorepo.values_file import set_values

_WITHIN = 120.0
_SHA = "38944b80c6cd88ef7de43520f6e95fcb87e6f245"


@dataclass(frozen=True)
class Judged:
    """A revision with one workload and an image that was never pulled, and its lab."""

    revision: JudgedRevision
    lab_world: LabWorld
    digest: str
    mark: int

    @property
    def workload(self) -> Workload:
        return self.revision.target.workloads[0]

    @property
    def kubernetes(self) -> str:
        return self.lab_world.lab.versions.kubernetes

    def expected(self) -> VerdictExpectation:
        """Return what the hook expects: the tag's digest, and every required criterion."""
        target = self.revision.target
        return VerdictExpectation(
            revision=_SHA,
            target=target.name,
            deployed={self.workload.name: Deployed.of(self.workload)},
            images={self.workload.name: self.digest},
            criteria=frozenset(tasks.applicable(target)) - tasks.optional_criteria(target),
            suite=suite_version(),
            suite_commit=suite_commit(),
            now=datetime.now(UTC),
        )

    def set_value(self, key: str, value: object) -> None:
        set_values(self.workload.values_file, {key: value})

    def causes(self, verdicts) -> dict[str, Cause]:
        """Return the cause of each failing criterion, by the criterion's name."""
        return {name.split()[1]: each.cause for name, each in failing(verdicts).items()}


@pytest.fixture
def judged(lab_world, tmp_path):
    """The target's last workload in a copy of the target, with a new tag."""
    made = shutil.ignore_patterns("node_modules", "build", ".docusaurus")
    folder = shutil.copytree(lab_world.target.root, tmp_path / "target", ignore=made)
    whole = load_target(Path(folder))
    *_, workload = whole.workloads
    image = replace(workload.image, tag=secrets.token_hex(20))
    # The lab finds the application by its directory in the original target.
    app = lab_world.target.workload(workload.name).app
    workload = replace(workload, image=image, app=app)
    set_values(workload.values_file, {"image.tag": workload.image.tag})
    # The docs page names the images of all workloads.
    target = replace(whole, workloads=(workload,), docs=None)
    own = replace(lab_world, target=target)
    mark, digest = own.mark(), own.publish(workload.image, workload.app)
    return Judged(JudgedRevision(target), own, digest, mark)


def test_healthy_revision_starts_by_digest(judged):
    """Every tier passes, the node pulls the digest in the verdict, and the verdict verifies."""
    judgement = judge_in(judged.lab_world, judged.revision, _WITHIN)

    verdict = issue(judged.revision, _SHA, judgement, GateEnvironment("lab", judged.kubernetes))
    assert (verdict.decision, verdict.reasons) == (Decision.PROMOTE, ())
    assert judged.revision.images == {judged.workload.name: judged.digest}
    assert judged.lab_world.pulls(since=judged.mark, digest=judged.digest)
    key = OKPKey.generate_key("Ed25519")
    assert verify(sign(verdict, key), key, judged.expected()) == []


def test_wrong_tag_is_held_by_its_text(judged):
    """The values of the revision say `dev`; the gate holds it without a registry request."""
    judged.set_value("image.tag", "dev")

    found = judged.causes(judged.revision.static(judged.lab_world))

    assert found == {"REG-005": Cause.WRONG_TAG}


def test_missing_image_holds_in_registry_tier(judged):
    """The image was never pushed, so there is no digest to sign a verdict for."""
    image = replace(judged.workload.image, tag=secrets.token_hex(20))
    target = replace(judged.revision.target, workloads=(replace(judged.workload, image=image),))
    absent = JudgedRevision(target)

    found = judged.causes(absent.registry(replace(judged.lab_world, target=target)))

    assert found == {"REG-001": Cause.TAG_UNKNOWN, "REG-002": Cause.IMAGE_MISSING}
    assert absent.images == {judged.workload.name: ""}


def test_unwired_workload_holds_in_cluster_tier(judged):
    """Text and registry are healthy, but no node can pull the image."""
    judged.set_value(judged.workload.pull_secrets_key, [])

    found = judged.causes(judge_started(judged.lab_world))

    assert found == {"REG-004": Cause.NOT_WIRED, "REG-006": Cause.NOT_WIRED}


def test_moved_tag_holds(judged):
    """The tag moves after the registry tier, so the verdict would be about another image."""
    world = judged.lab_world
    judged.revision.registry(world)
    judged.lab_world.publish(judged.workload.image, judged.workload.app)

    assert judged.causes(judged.revision.still_named(world)) == {"REG-006": Cause.TAG_MOVED}
