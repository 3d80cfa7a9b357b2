"""Check which settings the live world requires, and that it guesses none."""

import json
from types import SimpleNamespace

import pytest

from fixtures.lab.live import pytest_ignore_collect
from pullrecovery import __main__ as command_line
from pullrecovery.common.errors import UsageError
from pullrecovery.common.redaction import redact
from pullrecovery.common.suite_files import SAMPLE
from pullrecovery.live.cases import live_cases
from pullrecovery.live.settings import live_settings
from pullrecovery.tasks import CRITERIA
from tests.fakes import recorded
from tests.fakes.recorded import GOOD

TOKEN = "ghp_" + "L1ve" * 9


@pytest.fixture
def environment(tmp_path):
    """A kubeconfig with two contexts, the first of them current, and a token."""
    file = tmp_path / "kubeconfig"
    names = ("staging", "production")
    contexts = [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in names]
    document = {"apiVersion": "v1", "kind": "Config", "current-context": "staging"}
    document |= {"contexts": contexts, "clusters": [], "users": []}
    file.write_text(json.dumps(document))
    return {"KUBECONFIG": str(file), "GHCR_TOKEN": TOKEN}


def _settings(environment, context="production", **options):
    return live_settings(GOOD.target, context, environment=environment, **options)


def test_named_context_is_used(environment):
    """The token belongs to the target's login by default."""
    settings = _settings(environment, platforms=["linux/arm64"])

    assert (settings.context, settings.operator.login) == ("production", GOOD.target.login)
    assert settings.platforms == ("linux/arm64",)
    assert _settings(environment, login="robot").operator.login == "robot"


def test_token_is_shown_nowhere(environment):
    """The token and its Basic authentication header are never shown."""
    settings = _settings(environment | {"GHCR_TOKEN": "of-no-known-shape"})

    assert "of-no-known-shape" not in repr(settings)
    assert redact(f"{settings.operator.token} {settings.operator.auth}") == "[redacted] [redacted]"


@pytest.mark.parametrize(
    ("change", "context", "said"),
    [
        ({}, "", "--context is missing"),
        ({}, "", "has production, staging"),
        ({}, "prod", "there is no context 'prod'"),
        ({}, "prod", "has production, staging"),
        ({"GHCR_TOKEN": ""}, "production", "GHCR_TOKEN is not set"),
        ({"KUBECONFIG": ""}, "production", "takes no default"),
        ({"KUBECONFIG": "/nowhere/kubeconfig"}, "production", "there is no such file"),
    ],
)
def test_missing_option_is_not_guessed(environment, change, context, said):
    """One sentence lists the contexts; the exit code is 4, before any request."""
    with pytest.raises(UsageError) as error:
        _settings(environment | change, context)

    assert said in str(error.value)
    assert error.value.exit == 4


def test_kubeconfig_that_is_none_is_named(environment, tmp_path):
    """The error names the user's file."""
    (tmp_path / "kubeconfig").write_text("")

    with pytest.raises(UsageError, match="cannot be read"):
        _settings(environment)


def test_platform_is_os_and_architecture(environment):
    """Another word would match no image."""
    with pytest.raises(UsageError, match="'arm64' is no platform"):
        _settings(environment, platforms=["arm64"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--context", "x"], "are for --world live"),
        (["--platform", "linux/amd64"], "are for --world live"),
        (["--world", "live", "--smoke"], "--smoke is for the lab"),
        (["--world", "live", "--target", str(SAMPLE)], "GHCR_TOKEN is not set"),
    ],
)
def test_options_of_other_world_are_refused(options, said, monkeypatch, capsys):
    """Ignoring the option would let a user think that it has an effect."""
    monkeypatch.delenv("GHCR_TOKEN", raising=False)

    assert command_line.main(["acceptance", *options]) == 4
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("world", "ignored"), [("lab", "test_live.py"), ("live", "test_reg_006_redeploy.py")]
)
def test_each_world_collects_its_own_tests(world, ignored, tmp_path):
    """The lab's tests break things, and are not even imported for a user's world."""
    config = SimpleNamespace(getoption=lambda _: world)
    files = [tmp_path / "test_live.py", tmp_path / "test_reg_006_redeploy.py"]
    for file in files:
        file.touch()

    left_out = [file.name for file in files if pytest_ignore_collect(file, config)]

    assert left_out == [ignored]
    assert pytest_ignore_collect(tmp_path, config) is None


def test_live_cases_cover_every_criterion():
    """Each workload has every criterion but that of the docs, which is judged once."""
    ids = [case.id for case in live_cases(GOOD.target)]

    of_workloads = (len(CRITERIA) - 1) * len(GOOD.target.workloads)

    assert len(ids) == len(set(ids)) == of_workloads + 1
    assert "REG-007-docs" in ids
    assert recorded.GOOD.workload.name in ids[0]
