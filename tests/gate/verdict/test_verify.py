"""The command `gate verify`: it reads the expected subject where it verifies."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pullrecovery.common.errors import UsageError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.gate.releases import JudgedRelease
from pullrecovery.gate.verdict.document import Checks, check
from pullrecovery.gate.verdict.keys import signing_key, verifying_key
from pullrecovery.gate.verdict.signing import sign
from pullrecovery.gate.verdict.verify import REQUIRED, Claim, run_verify
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks import applicable
from tests.fakes.verdicts import IMAGE, KEY, OTHER_IMAGE, REVISION, pem, public, verdict

CRITERIA = tuple(sorted(REQUIRED))


def _checks(workloads, criteria):
    names = tuple(check(name, reg) for name in workloads for reg in criteria)
    return Checks(declared=names, run=names)


@pytest.fixture
def written(tmp_path):
    """Write a valid verdict, and the key that verifies it."""

    def write(**changes):
        now = datetime.now(UTC)
        fields = {
            "issued": now,
            "expires": now + timedelta(hours=1),
            "checks": _checks(["frontend"], CRITERIA),
        }
        (tmp_path / "verdict.jws").write_text(sign(verdict(**(fields | changes)), KEY))
        (tmp_path / "gate.pub").write_text(pem(KEY, private=False))

    write()
    return write


@pytest.fixture
def claim(tmp_path, written):
    """Return the subject to verify, but for `changes`."""

    def make(**changes):
        fields = {
            "verdict": tmp_path / "verdict.jws",
            "key": tmp_path / "gate.pub",
            "revision": REVISION,
            "folder": None,
            "images": (f"frontend={IMAGE}",),
            "worlds": ("lab",),
            "target": "hosting-monorepo",
            "namespace": "frontend-dev",
        }
        return Claim(**(fields | changes))

    return make


def test_matching_verdict_is_let_through(claim, capsys):
    """The exit code is 0, and one line names the key."""
    assert run_verify(claim()) == 0
    assert capsys.readouterr().out.startswith(f"promote: {REVISION}, by a verdict that ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revision": "f" * 40}, "the verdict is on revision"),
        ({"images": (f"frontend={OTHER_IMAGE}",)}, "frontend: the image judged is"),
        ({"images": (f"backend={IMAGE}",)}, "says nothing of the workload backend"),
        ({"worlds": ("live",)}, "found in the lab world"),
        ({"target": "monorepo-prod"}, "on target hosting-monorepo, and not on monorepo-prod"),
        ({"namespace": "frontend-prod"}, "for frontend-dev, and not for frontend-prod"),
        ({"max_age": timedelta(0)}, "over 0 hours ago"),
    ],
    ids=["revision", "image", "workload", "world", "target", "namespace", "age"],
)
def test_any_other_is_held_with_every_reason(claim, capsys, changes, reason):
    """The exit code is 1, and the output has every reason."""
    assert run_verify(claim(**changes)) == 1

    said = capsys.readouterr().out
    assert said.startswith("hold: ")
    assert f"  because  {reason}" in said or reason in said


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"images": ("frontend",)}, "--image frontend: it is WORKLOAD=sha256:"),
        ({"images": ("frontend=sha256:12",)}, "it is WORKLOAD=sha256:"),
        ({"images": ()}, "Name the images with --image"),
        ({"namespace": ""}, "Name --target-name and --namespace"),
        ({"revision": "main"}, "'main' is no full commit id"),
        ({"verdict": SUITE_ROOT / "none.jws"}, "none.jws cannot be read"),
        ({"key": SUITE_ROOT / "none.pub"}, "none.pub cannot be read"),
        ({"key": SUITE_ROOT / "README.md"}, "README.md: no PEM of a key is there"),
    ],
    ids=[
        "no digest",
        "short digest",
        "no image",
        "no namespace",
        "branch",
        "no verdict",
        "no key",
        "other file",
    ],
)
def test_wrong_usage_is_one_clear_error(claim, changes, problem):
    """Wrong usage is no verdict."""
    with pytest.raises(UsageError, match=problem.replace("(", r"\(")):
        run_verify(claim(**changes))


def _sample_verdict(folder, written, **changes):
    loaded = load_target(folder)
    workloads = tuple(JudgedRelease.of(w, IMAGE) for w in loaded.workloads)
    names = [w.name for w in loaded.workloads]
    fields = {"workloads": workloads, "checks": _checks(names, applicable(loaded))}
    written(**(fields | changes))


def _registry(digest=IMAGE):
    """Return a client of a registry in which every tag points to this digest."""

    def answer(request):
        if request.url.path == "/token":
            return httpx.Response(200, json={"token": "dG9rZW4="})
        return httpx.Response(200, headers={"docker-content-digest": digest}, json={})

    return httpx.Client(transport=httpx.MockTransport(answer))


def test_target_compares_charts_and_digests(claim, written, sample):
    """A branch may name the revision there, because git resolves it."""
    folder, sha = sample
    _sample_verdict(folder, written, revision=sha)

    assert run_verify(claim(folder=folder, revision="HEAD", images=()), _registry()) == 0


def test_other_digest_behind_tag_holds(claim, written, sample, capsys):
    """The tag was pushed again after the gate had judged it."""
    folder, sha = sample
    _sample_verdict(folder, written, revision=sha)

    assert run_verify(claim(folder=folder, revision=sha, images=()), _registry(OTHER_IMAGE)) == 1
    assert f"and not {OTHER_IMAGE}" in capsys.readouterr().out


def test_registry_without_digest_holds(claim, written, sample, capsys):
    """The registry has no digest, whatever the reason."""
    folder, sha = sample
    _sample_verdict(folder, written, revision=sha)
    silent = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503)))

    assert run_verify(claim(folder=folder, revision=sha, images=()), silent) == 1
    assert "and not known now" in capsys.readouterr().out


def test_required_criterion_must_be_judged(claim, written, sample, capsys):
    """REG-008 is required where target.yaml says so, and REG-007 where there are docs."""
    folder, sha = sample
    _sample_verdict(folder, written, revision=sha, checks=_checks(["frontend"], sorted(REQUIRED)))

    assert run_verify(claim(folder=folder, revision=sha, images=()), _registry()) == 1
    said = capsys.readouterr().out
    assert "frontend REG-007 was not judged" in said
    assert "backend REG-005 was not judged" in said


def test_an_unknown_workload_is_wrong_usage(claim, written, sample):
    """A misspelt workload would otherwise compare nothing."""
    folder, sha = sample
    _sample_verdict(folder, written, revision=sha)

    with pytest.raises(UsageError, match="has no such workload"):
        run_verify(claim(folder=folder, revision=sha, images=(f"front={IMAGE}",)), _registry())


def test_keys_default_to_environment(monkeypatch):
    """CI systems pass secrets in the environment, never on the command line."""
    monkeypatch.setenv("PULL_RECOVERY_GATE_KEY", pem(KEY))
    monkeypatch.setenv("PULL_RECOVERY_GATE_PUBLIC_KEY", pem(KEY, private=False))

    assert signing_key(None).thumbprint() == KEY.thumbprint()
    assert verifying_key(None).thumbprint() == public().thumbprint()


def test_missing_key_signs_nothing(monkeypatch):
    """A verdict may be unsigned, but a verifier needs the key."""
    monkeypatch.delenv("PULL_RECOVERY_GATE_KEY", raising=False)
    monkeypatch.delenv("PULL_RECOVERY_GATE_PUBLIC_KEY", raising=False)

    assert signing_key(None) is None
    with pytest.raises(UsageError, match="or set PULL_RECOVERY_GATE_PUBLIC_KEY"):
        verifying_key(None)


def test_a_private_key_is_never_shown(monkeypatch, tmp_path):
    """The key is registered for redaction when it is read."""
    from pullrecovery.common.redaction import redact

    file = tmp_path / "gate.key"
    file.write_text(pem(KEY))
    file.chmod(0o600)
    signing_key(file)

    body = pem(KEY).splitlines()[1]
    assert body not in redact(json.dumps({"log": pem(KEY)}))
