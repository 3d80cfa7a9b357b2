"""The variables of the hook; each mistake is named by its variable."""

import json
from datetime import timedelta

import pytest

from pullrecovery.common.deadline import deadline
from pullrecovery.common.errors import Exit, HeldError, PullRecoveryError, UsageError
from pullrecovery.gate.hook import hook as hooks
from pullrecovery.gate.hook.settings import DEADLINE, read_settings
from pullrecovery.model.target import Image
from tests.fakes import recorded, verdicts
from tests.gate.hook.test_hook import environ


@pytest.fixture(name="key")
def _key(tmp_path):
    file = tmp_path / "gate.pub"
    file.write_text(verdicts.pem(verdicts.KEY, private=False))
    return file


def _login(tmp_path, server="ghcr.io"):
    file = tmp_path / "config.json"
    auth = {"username": "ByteQuester", "password": recorded.TOKEN}
    file.write_text(json.dumps({"auths": {server: auth}}))
    return str(file)


def test_settings_are_read_with_their_defaults(key):
    """Without a pull secret the hook reads anonymously, as for a public package."""
    settings = read_settings(environ(key))

    assert settings.image == Image(recorded.REPOSITORY, "v1")
    assert (settings.service_account, settings.pull_secrets) == ("default", ())
    assert (settings.digest, settings.credential, settings.deadline) == ("", None, DEADLINE)
    assert settings.account == "system:serviceaccount:frontend-dev:frontend-gate"


def test_application_in_other_namespace_is_read(key):
    """Argo CD gives NAMESPACE_NAME as the name of an Application in another namespace."""
    settings = read_settings(environ(key, GATE_APPLICATION="team-a_frontend"))

    assert settings.application == "frontend"


def test_hook_without_application_is_told_release(key):
    """A plain Job names its release, and the namespace is its own."""
    told = {"GATE_CHART": "charts/frontend", "GATE_VALUES_FILES": "charts/frontend/values-dev.yaml"}

    settings = read_settings(environ(key, GATE_APPLICATION="", **told))

    assert settings.deployed == verdicts.DEPLOYED


def test_credential_matches_image_registry(key, tmp_path):
    """The credential comes as a mounted pull secret, and never by a variable."""
    settings = read_settings(environ(key, GATE_REGISTRY_CONFIG=_login(tmp_path)))

    assert settings.credential.token == recorded.TOKEN
    assert recorded.TOKEN not in repr(settings)


def test_reference_by_digest_is_pinned(key):
    """A chart with image.digest renders a reference by digest."""
    pinned = f"{recorded.REPOSITORY}@{verdicts.IMAGE}"

    assert read_settings(environ(key, GATE_REFERENCE=pinned)).digest == verdicts.IMAGE


MISTAKES = {
    "path of a target": ({"GATE_TARGET": "../x"}, "GATE_TARGET='../x' is not a target's name"),
    "no target": ({"GATE_TARGET": ""}, "GATE_TARGET is not set"),
    "no Application": ({"GATE_APPLICATION": ""}, "Either GATE_APPLICATION or GATE_CHART is needed"),
    "both": ({"GATE_CHART": "charts/frontend"}, "Either GATE_APPLICATION or GATE_CHART is needed"),
    "short commit": ({"GATE_REVISION": "38944b8"}, "GATE_REVISION='38944b8' is not a full commit"),
    "branch": ({"GATE_REVISION": "main"}, "GATE_REVISION='main' is not a full commit id"),
    "nothing": ({"GATE_REVISION": ""}, "GATE_REVISION is not set"),
    "no workload": ({"GATE_WORKLOAD": " "}, "GATE_WORKLOAD is not set"),
    "bad namespace": ({"GATE_NAMESPACE": "Frontend_dev"}, "GATE_NAMESPACE='Frontend_dev' is not"),
    "no tag": ({"GATE_REFERENCE": recorded.REPOSITORY}, "neither a tag nor a digest"),
    "bad digest": ({"GATE_DIGEST": "sha256:1"}, "GATE_DIGEST='sha256:1' is not sha256:"),
    "no key": ({"GATE_KEY_FILE": "/nowhere/gate.pub"}, "GATE_KEY_FILE=/nowhere/gate.pub cannot"),
    "no seconds": ({"GATE_DEADLINE": "2m"}, "GATE_DEADLINE='2m' is not a number of seconds"),
    "no time": ({"GATE_DEADLINE": "0"}, "GATE_DEADLINE='0' is not a number of seconds"),
    "no world": ({"GATE_WORLD": "any"}, "GATE_WORLD='any' is not lab or live"),
    "no hours": ({"GATE_MAX_AGE": "1d"}, "GATE_MAX_AGE='1d' is not a number of hours"),
    "no age": ({"GATE_MAX_AGE": "0"}, "GATE_MAX_AGE='0' is not a number of hours"),
    "above a year": ({"GATE_MAX_AGE": "9000"}, "GATE_MAX_AGE='9000' is not a number of hours"),
    "no file": ({"GATE_REGISTRY_CONFIG": "/nowhere"}, "GATE_REGISTRY_CONFIG=/nowhere cannot be"),
}


@pytest.mark.parametrize(("changes", "why"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_names_its_variable_and_holds(key, capsys, changes, why):
    """The Job fails by any exit code but 0; a usage error is inconclusive."""
    with pytest.raises(UsageError, match=why):
        read_settings(environ(key, **changes))

    assert hooks.run_hook(environ(key, **changes)) == int(Exit.UNKNOWN)
    assert capsys.readouterr().out.startswith(
        ("cannot tell, hold: GATE_", "cannot tell, hold: Either GATE_")
    )


def test_verdict_age_is_configurable(key):
    """The default is a day."""
    assert read_settings(environ(key)).max_age == timedelta(days=1)
    assert read_settings(environ(key, GATE_MAX_AGE="2")).max_age == timedelta(hours=2)


def test_private_key_is_refused(key):
    """The hook signs nothing, so a private key is an error."""
    key.write_text(verdicts.pem(verdicts.KEY))

    with pytest.raises(UsageError, match="a private key does not belong"):
        read_settings(environ(key))


def test_pull_secret_of_other_registry_is_error(key, tmp_path):
    """With such a secret the hook would read anonymously."""
    login = _login(tmp_path, "quay.io")

    with pytest.raises(UsageError, match=r"has no entry for ghcr\.io"):
        read_settings(environ(key, GATE_REGISTRY_CONFIG=login))


def test_uppercase_owner_is_revision_fault(key):
    """No node could pull such a name, and waiting would not change that."""
    with pytest.raises(HeldError, match=r"^render\.invalid-reference: .*must be lowercase"):
        read_settings(environ(key, GATE_REFERENCE=f"{recorded.CAPITALS}:v1"))


def test_deadline_ends_hanging_hook():
    """The deadline applies even in a library that catches every Exception."""

    def stubborn():
        while True:
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001, S112
                continue

    with (
        pytest.raises(PullRecoveryError, match=r"the deadline of 0\.05 s has passed"),
        deadline(0.05),
    ):
        stubborn()
