"""A verdict as a commit status at GitHub, and as a manifest for GitOps Promoter."""

import io
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from ruamel.yaml import YAML

from pullrecovery.common.errors import UsageError
from pullrecovery.gate.verdict.commit_status import (
    Said,
    StatusError,
    post_status,
    promoter_manifest,
    said,
)
from pullrecovery.gate.verdict.document import Checks, Failure, VerdictError
from pullrecovery.gate.verdict.signing import sign
from pullrecovery.gate.verdict.status_command import StatusRequest, run_status
from pullrecovery.gate.verdict.verify import REQUIRED
from pullrecovery.model.verdict import Cause
from tests.fakes.verdicts import KEY, NOW, OTHER_KEY, REVISION, checks, pem, verdict

STALE = Failure("frontend REG-006", Cause.RELEASE_STALE)
TAG = Failure("frontend REG-005", Cause.WRONG_TAG)
HELD = verdict(checks=checks(failed=(TAG, STALE)))
TOKEN = "ghp_" + "t0ken" * 8


@pytest.mark.parametrize(
    ("verdict_", "state", "description"),
    [
        (verdict(), "success", "promote: 3 checks, until 2026-11-25 11:00 UTC"),
        (HELD, "failure", "hold: frontend REG-005: render.wrong-tag (and 1 more)"),
        (verdict(doubts=("lab: late",)), "error", "cannot tell: lab: late"),
        (
            verdict(expires=NOW),
            "error",
            "expired at 2026-11-24 12:00 UTC; run the gate again",
        ),
    ],
    ids=["promote", "hold", "cannot tell", "expired"],
)
def test_status_is_word_and_sentence(verdict_, state, description):
    """The description beside the commit is the first cause."""
    assert said(verdict_, NOW) == Said(REVISION, "hosting-monorepo", state, description)


def test_long_reason_is_cut():
    """The description has at most 140 characters, with the number of further reasons."""
    told = said(verdict(doubts=("x" * 300, "second")), NOW)

    assert len(told.description) == 140
    assert told.description.endswith("…" + " (and 1 more)")


class _GitHub:
    """A fake of GitHub's API that records requests and gives one answer."""

    def __init__(self, status=201, body=None):
        self.asked = []
        self._answer = (status, {"url": "https://api.github.com/x"} if body is None else body)
        self.client = httpx.Client(
            base_url="https://api.github.com", transport=httpx.MockTransport(self._take)
        )

    def _take(self, request):
        self.asked.append(request)
        status, body = self._answer
        return httpx.Response(status, json=body)


def test_a_status_is_posted_on_the_commit():
    """The request has state, description, context and link; the token is only in the header."""
    github = _GitHub()

    where = post_status(
        said(HELD, NOW), "Acme/App", TOKEN, url="https://ci.example/1", http=github.client
    )

    (request,) = github.asked
    assert where == "https://api.github.com/x"
    assert str(request.url) == f"https://api.github.com/repos/Acme/App/statuses/{REVISION}"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(request.content) == {
        "state": "failure",
        "description": "hold: frontend REG-005: render.wrong-tag (and 1 more)",
        "context": "pull-recovery/gate/hosting-monorepo",
        "target_url": "https://ci.example/1",
    }


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, {"message": "Not Found"}, "404 Not Found"),
        (422, {"message": "No commit found for SHA: x"}, "422 No commit found"),
        (
            422,
            {"message": "Validation Failed", "errors": [{"message": "description is too long"}]},
            "422 Validation Failed: description is too long",
        ),
        (500, [], "500 []"),
    ],
)
def test_refusal_has_github_message(status, body, words):
    """The error reports a status that GitHub refused."""
    with pytest.raises(StatusError, match=words.replace("[", r"\[")):
        post_status(said(HELD, NOW), "Acme/App", TOKEN, http=_GitHub(status, body).client)


def test_no_answer_error_hides_token():
    """The error does not contain the token, whatever the library's message has."""

    def cut(request):
        raise httpx.ConnectError(f"no route with {request.headers['authorization']}")

    client = httpx.Client(base_url="https://api.github.com", transport=httpx.MockTransport(cut))
    with pytest.raises(StatusError, match="gives no answer") as error:
        post_status(said(HELD, NOW), "Acme/App", TOKEN, http=client)

    assert TOKEN not in str(error.value)


@pytest.mark.parametrize(
    ("verdict_", "phase"),
    [(verdict(), "success"), (HELD, "failure"), (verdict(doubts=("late",)), "failure")],
)
def test_promoter_gets_own_commit_status(verdict_, phase):
    """GitOps Promoter has no phase for an inconclusive verdict."""
    text = promoter_manifest(said(verdict_, NOW), "app", "promoter", url="https://ci.example/1")

    manifest = YAML(typ="safe").load(text)
    assert manifest["kind"] == "CommitStatus"
    assert manifest["metadata"]["labels"] == {
        "promoter.argoproj.io/commit-status": "pull-recovery-gate-hosting-monorepo"
    }
    assert manifest["spec"]["sha"] == REVISION
    assert manifest["spec"]["phase"] == phase
    assert manifest["spec"]["gitRepositoryRef"] == {"name": "app"}


@pytest.fixture
def status_request(tmp_path):
    """Return a function that publishes a signed verdict, by default to GitHub."""
    file, key = tmp_path / "verdict.jws", tmp_path / "gate.pub"
    key.write_text(pem(KEY, private=False))

    def make(signed_by=KEY, found=None, **changes):
        now = datetime.now(UTC)
        names = tuple(f"frontend {each}" for each in sorted(REQUIRED))
        whole = Checks(declared=names, run=names)
        fields = {"issued": now, "expires": now + timedelta(hours=1), "world": "live"}
        file.write_text(sign(verdict(**(fields | {"checks": whole} | (found or {}))), signed_by))
        fields = {
            "verdict": file,
            "key": key,
            "to": "github",
            "repository": "Acme/App",
            "namespace": "",
            "url": "",
            "token_from_stdin": False,
        }
        return StatusRequest(**(fields | changes))

    return make


def test_token_comes_from_environment(status_request, monkeypatch, capsys):
    """The token is never in the command line, which every process of the machine can read."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    github = _GitHub()

    assert run_status(status_request(), github.client) == 0

    assert github.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert capsys.readouterr().out.startswith(f"success: promote: {len(REQUIRED)} checks")


def test_the_token_is_taken_from_stdin(status_request, monkeypatch):
    """Stdin is for systems that keep the token out of the environment."""
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    github = _GitHub()

    assert run_status(status_request(token_from_stdin=True), github.client) == 0
    assert github.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_unsigned_verdict_is_not_published(status_request, monkeypatch):
    """A file that was edited after signing does not become a green commit."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    github = _GitHub()

    with pytest.raises(VerdictError):
        run_status(status_request(signed_by=OTHER_KEY), github.client)
    assert github.asked == []


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({"world": "lab"}, "found in the lab world, which is not taken here"),
        ({"suite": "0.0.9"}, "is of suite 0.0.9, and not of"),
        ({"suite_commit": "f" * 40}, f"suite is {'f' * 40}, and not"),
        ({"issued": NOW}, "over 24 hours ago"),
        ({"checks": checks()}, "frontend REG-002 was not judged"),
    ],
    ids=["lab", "suite", "commit", "age", "checks"],
)
def test_unverified_promotion_is_no_success(status_request, monkeypatch, capsys, found, why):
    """The verdict promotes, but a verifier would hold it."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    github = _GitHub()

    assert run_status(status_request(found=found), github.client) == 0

    assert json.loads(github.asked[0].content)["state"] == "error"
    assert why in capsys.readouterr().out


def test_lab_verdict_is_published_on_request(status_request, monkeypatch, capsys):
    """`--world lab` publishes a verdict of the lab as a trial."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)

    assert (
        run_status(status_request(found={"world": "lab"}, worlds=("lab",)), _GitHub().client) == 0
    )
    assert capsys.readouterr().out.startswith("success: promote")


@pytest.mark.parametrize("changes", [{"repository": "App"}, {"repository": "a/b/c"}, {}])
def test_usage_error_precedes_requests(status_request, monkeypatch, changes):
    """An invalid repository and a missing token are usage errors."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN if changes else "")
    github = _GitHub()

    with pytest.raises(UsageError):
        run_status(status_request(**changes), github.client)
    assert github.asked == []


def test_promoter_manifest_is_printed(status_request, capsys):
    """The output is for `gate commit-status … | kubectl apply -f -`."""
    assert run_status(status_request(to="promoter", repository="app", namespace="promoter")) == 0

    assert YAML(typ="safe").load(capsys.readouterr().out)["spec"]["phase"] == "success"
