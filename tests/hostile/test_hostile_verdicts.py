"""Check the gate's commands, run as processes, on verdicts and keys of an attacker."""

import base64
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fixtures.lab.canaries import contents, plant
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.gate.releases import JudgedRelease
from pullrecovery.gate.verdict.document import Checks, to_document
from pullrecovery.gate.verdict.signing import TYPE, sign
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks import CRITERIA
from tests.fakes.verdicts import IMAGE, KEY, OTHER_KEY, pem, verdict
from tests.hostile.verdict_rows import ROWS

_LEFT_OUT = shutil.ignore_patterns("node_modules", "build", ".docusaurus")
_USER = {
    **{f"GIT_{who}_NAME": "a" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "a@b.c" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class Machine:
    """The machine that verifies and signs: a clone, keys, and planted values."""

    def __init__(self, folder):
        self.folder, self.canaries = folder, plant(folder / "home")
        self.target = shutil.copytree(SUITE_ROOT / "sample", folder / "sample", ignore=_LEFT_OUT)
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "sample"]):
            subprocess.run(["git", *words], cwd=self.target, env=os.environ | _USER, check=True)
        (folder / "gate.pub").write_text(pem(KEY, private=False))
        self.key = folder / "gate.key"
        self.key.touch(mode=0o600)
        self.key.write_text(pem(KEY))

    @property
    def revision(self):
        head = ["git", "rev-parse", "HEAD"]
        return subprocess.run(
            head, cwd=self.target, capture_output=True, text=True, check=True
        ).stdout.strip()

    def verdict(self, **changes):
        """Return a current verdict that promotes this clone's commit, except for `changes`."""
        now = datetime.now(UTC)
        target = load_target(self.target)
        workloads = tuple(JudgedRelease.of(workload, IMAGE) for workload in target.workloads)
        names = tuple(f"{workload.name} {reg}" for workload in workloads for reg in CRITERIA)
        fields = {"issued": now, "expires": now + timedelta(hours=1), "revision": self.revision}
        fields |= {"target": target.name, "world": "live", "workloads": workloads}
        fields |= {"checks": Checks(declared=names, run=names)}
        return verdict(**(fields | changes))

    def put(self, name, text):
        (self.folder / name).write_text(text)

    def run(self, *words):
        """Run the command with the planted values around it, and return its result."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        places = {f"XDG_{name}_HOME": str(self.folder / name) for name in ("STATE", "CACHE")}
        told = {**kept, **self.canaries.environment, **places, **_USER}
        command = [sys.executable, "-m", "pullrecovery", "gate", *words]
        return subprocess.run(
            command,
            cwd=SUITE_ROOT,
            env=told,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def verify(self, *words):
        images = [f"--image={each.name}={IMAGE}" for each in load_target(self.target).workloads]
        signed, key = self.folder / "verdict.jws", self.folder / "gate.pub"
        given = [f"--verdict={signed}", f"--key={key}", f"--target={self.target}"]
        return self.run("verify", *given, "--revision=HEAD", *images, *words)

    def sign(self):
        given = [f"--in={self.folder}/verdict.json", f"--key={self.key}"]
        return self.run("sign", *given, f"--revision={self.revision}")


@pytest.fixture(name="machine")
def _machine(tmp_path):
    return Machine(tmp_path)


def _of_another_environment(machine):
    workloads = machine.verdict().workloads
    other = tuple(replace(workload, chart="sha256:" + "9" * 64) for workload in workloads)
    machine.put("verdict.jws", sign(machine.verdict(workloads=other), KEY))
    return machine.verify()


def _of_another_key(machine):
    machine.put("verdict.jws", sign(machine.verdict(), OTHER_KEY))
    return machine.verify()


def _without_signature(machine):
    parts = [{"alg": "none", "typ": TYPE, "kid": KEY.thumbprint()}, to_document(machine.verdict())]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    machine.put("verdict.jws", b".".join([*encoded, b""]).decode())
    return machine.verify()


def _of_lab_images(machine):
    machine.put("verdict.jws", sign(machine.verdict(world="lab"), KEY))
    return machine.verify()


def _edited_record(machine):
    document = to_document(machine.verdict())
    document["checks"]["run"] = document["checks"]["run"][:3]
    machine.put("verdict.json", json.dumps(document))
    return machine.sign()


def _huge_record(machine):
    machine.put("verdict.json", " " * 1_000_001)
    return machine.sign()


def _record_of_another_commit(machine):
    machine.put("verdict.json", json.dumps(to_document(machine.verdict(revision="0" * 40))))
    return machine.sign()


def _readable_key(machine):
    machine.key.chmod(0o644)
    return machine.run(f"--target={machine.target}", f"--key={machine.key}")


ATTACKS = {
    "verdict-of-another-environment": _of_another_environment,
    "verdict-of-another-key": _of_another_key,
    "verdict-without-signature": _without_signature,
    "verdict-on-lab-images": _of_lab_images,
    "record-edited-to-promote": _edited_record,
    "record-of-another-commit": _record_of_another_commit,
    "record-without-end": _huge_record,
    "key-others-may-read": _readable_key,
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_command_refuses_hostile_verdict(row, machine):
    """Exit code and reason are the documented ones, and no planted value is printed."""
    ended = ATTACKS[row.name](machine)

    printed = ended.stdout + ended.stderr
    assert ended.returncode == row.code, printed
    assert row.error in printed
    assert "Traceback" not in printed
    outputs = {"printed": printed.encode()}
    places = [machine.folder / name for name in ("STATE", "verdict.jws")]
    assert machine.canaries.found_in(outputs | contents(places)) == []


def test_verdict_on_this_clone_promotes(machine):
    """The negative control: without the rows' changes, the verdict promotes."""
    machine.put("verdict.jws", sign(machine.verdict(), KEY))

    ended = machine.verify()

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith(f"promote: {machine.revision}")
