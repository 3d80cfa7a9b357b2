"""The configuration directory of the emulator, and the errors of a wrong one."""

import json

import pytest
import trustme

from ghcr_emulator.state.config import ConfigError, Settings, read_config

SECRET = "a-secret-of-the-tests"


@pytest.fixture(name="pair", scope="module")
def _pair():
    return trustme.CA().issue_cert("ghcr.io")


@pytest.fixture(name="folder")
def _folder(tmp_path, pair):
    (tmp_path / "tls.crt").write_bytes(b"".join(p.bytes() for p in pair.cert_chain_pems))
    (tmp_path / "tls.key").write_bytes(pair.private_key_pem.bytes())
    (tmp_path / "control.secret").touch(mode=0o600)
    (tmp_path / "control.secret").write_text(SECRET + "\n")
    return tmp_path


def test_settings_default_to_container(folder):
    """Ports and paths have defaults without a file."""
    config = read_config(folder)

    assert config.secret == SECRET
    assert config.settings == Settings()
    assert (config.settings.registry_port_tls, config.settings.control_port) == (443, 8080)


def test_settings_are_taken_one_by_one(folder):
    """Settings that the file omits have their defaults."""
    (folder / "settings.json").write_text(json.dumps({"registry_port_tls": 18443}))

    assert read_config(folder).settings == Settings(registry_port_tls=18443)


def test_assumptions_are_read_from_settings(folder):
    """The assumptions in settings.json are in force at the start."""
    (folder / "settings.json").write_text(json.dumps({"assumptions": {"token_private": 403}}))

    assert read_config(folder).settings.assumptions.token_private == 403
    assert read_config(folder).settings.assumptions.token_missing == 403


def test_accounts_are_read_at_start(folder):
    """A world in the directory is read, and a wrong one prevents the start."""
    (folder / "accounts.yaml").write_text("users:\n  Alice:\n")
    world = read_config(folder).world
    (folder / "accounts.yaml").write_text("users:\n  Al ice:\n")

    assert [owner.name for owner in world.owners] == ["alice"]
    with pytest.raises(ConfigError, match=r"accounts\.yaml:2: 'Al ice' is not what a login looks"):
        read_config(folder)


def test_secret_is_not_shown(folder):
    """The repr of the configuration contains no secret."""
    assert SECRET not in repr(read_config(folder))


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "control.secret"])
def test_missing_file_is_named(folder, name):
    """Each file is required, and the error names the missing one."""
    (folder / name).unlink()

    with pytest.raises(ConfigError, match=rf"{name} cannot be read: No such file"):
        read_config(folder)


def test_secret_open_to_others_is_refused(folder):
    """A secret that others can read is refused."""
    (folder / "control.secret").chmod(0o644)

    with pytest.raises(ConfigError, match="needs the mode 0600"):
        read_config(folder)


@pytest.mark.parametrize("text", ["", "short", "two lines of it\nare one too many"])
def test_poor_secret_is_refused(folder, text):
    """A secret must be one line of at least sixteen characters."""
    (folder / "control.secret").write_text(text)

    with pytest.raises(ConfigError, match="one line of 16 characters or more"):
        read_config(folder)


@pytest.mark.parametrize("name", ["tls.crt", "tls.key"])
def test_broken_pair_is_refused(folder, name):
    """A key that does not belong to the certificate prevents the start."""
    (folder / name).write_text("no PEM")

    with pytest.raises(ConfigError, match="no PEM certificate and its key"):
        read_config(folder)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"port": 1}, "the configuration has no key 'port'; the keys are registry_host"),
        (
            {"registry_port_tls": "443"},
            "'registry_port_tls' of the configuration must be a whole number, and is a text",
        ),
        (
            {"registry_port_tls": True},
            "'registry_port_tls' of the configuration must be a whole number, and is true or false",
        ),
        ({"control_port": 0}, "'control_port' of the configuration must be 1 or more"),
        ({"control_port": 65536}, "'control_port' of the configuration must be 65535 or less"),
        (
            {"assumptions": []},
            "'assumptions' of the configuration must be a mapping, and is a list",
        ),
        ({"assumptions": {"blob": "inline"}}, "the set of assumptions has no key 'blob'"),
        (
            {"registry_host": ""},
            "'registry_host' of the configuration must be printable, and not empty",
        ),
    ],
)
def test_wrong_setting_is_named(folder, settings, sentence):
    """The error names the file, the key, and the expected value."""
    (folder / "settings.json").write_text(json.dumps(settings))

    with pytest.raises(ConfigError, match=rf"settings\.json: {sentence}"):
        read_config(folder)
