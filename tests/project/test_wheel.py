"""The wheel: its content, and its use in a fresh virtual environment and an empty directory."""

import json
import re
import signal
import ssl
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.suite_version import STAMP, stamp, suite_version

IN_PACKAGE = (
    "acceptance/",
    "conftest.py",
    "docs/gate-verdict.schema.json",
    "docs/result.schema.json",
    "fixtures/",
    "kind-config.yaml",
    "pytest.toml",
    "requirements.lock",
    "sample/",
)
COMMANDS = ("acceptance", "gate", "ghcr", "lab", "sample", "suite-image")
# Each of them takes longer to import than `--help` takes in all.
HEAVY = {"docker", "httpx", "kubernetes", "pydantic", "pytest", "ruamel", "urllib3"}


def _run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel that `python -m build` builds from an sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", f"--outdir={folder}", SUITE_ROOT]
    built = _run(*command)
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = folder.glob("*.whl")
    return file


def _installed(wheel, folder):
    """Install the wheel, at the versions of the lock, and return the environment's programs."""
    locked = re.findall(r"(?m)^([\w.-]+)(?:\[.*?\])?(==\S+)", _read("requirements.lock"))
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{name}{version}\n" for name, version in locked))
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-compile"]
    installed = _run(*pip, f"--constraint={constraints}", wheel)
    assert installed.returncode == 0, installed.stderr
    return folder / "venv" / "bin"


@pytest.fixture(scope="module")
def plain(wheel, tmp_path_factory):
    """Return the programs of a fresh virtual environment with the wheel, without its extras."""
    return _installed(wheel, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def with_emulator(wheel, tmp_path_factory):
    """Return the programs of a fresh virtual environment with the wheel and its extra `ghcr`."""
    return _installed(f"{wheel}[ghcr]", tmp_path_factory.mktemp("ghcr"))


@pytest.fixture
def pull_recovery(plain, tmp_path):
    """Return a function that runs the console script in an empty directory with another HOME."""
    home, empty = tmp_path / "home", tmp_path / "empty"
    home.mkdir()
    empty.mkdir()

    def run(*arguments):
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
        return _run(plain / "pull-recovery", *arguments, cwd=empty, env=environment)

    return run


def _read(name):
    return (SUITE_ROOT / name).read_text()


def _tracked():
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = _run(*command, cwd=SUITE_ROOT).stdout.split("\0")
    return [name for name in listed if name and (SUITE_ROOT / name).is_file()]


def test_wheel_has_every_tracked_file(wheel):
    """Data files, schemas, fixtures, tests and the sample are where the package reads them."""
    packages = [name for name in _tracked() if name.startswith(("pullrecovery/", "ghcr_emulator/"))]
    moved = [f"pullrecovery/suite/{name}" for name in _tracked() if name.startswith(IN_PACKAGE)]
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]

    assert sorted(names) == sorted([*packages, *moved, f"pullrecovery/suite/{STAMP}"])


def test_wheel_is_stamped_with_version_and_commit(wheel):
    """The installation has no git repository."""
    content = zipfile.ZipFile(wheel).read(f"pullrecovery/suite/{STAMP}").decode()

    assert content == stamp()
    assert wheel.name == f"pull_recovery-{suite_version()}-py3-none-any.whl"


def test_plain_install_has_few_packages(plain):
    """The client of Kubernetes has 27 packages; pip itself does not count."""
    listed = json.loads(_run(plain / "python", "-m", "pip", "list", "--format=json").stdout)
    names = {package["name"] for package in listed} - {"pip", "setuptools"}

    assert "pull-recovery" in names
    assert len(names) <= 35, sorted(names)


def test_version_is_printed(pull_recovery):
    """The version is that of the tag from which the wheel was built."""
    done = pull_recovery("--version")

    assert (done.stdout, done.returncode) == (f"pull-recovery {suite_version()}\n", 0), done


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_extra(pull_recovery, command):
    """Every command prints its help, with the exit codes, in the plain install."""
    done = pull_recovery(command, "--help")

    assert done.returncode == 0, done.stderr
    assert f"usage: pull-recovery {command}" in done.stdout
    assert "exit codes:" in done.stdout


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command):
    """A command imports what it needs when it runs."""
    python = [sys.executable, "-X", "importtime", "-m", "pullrecovery"]
    done = _run(*python, *command.split(), "--help", cwd=SUITE_ROOT)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert "argparse" in imported
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()


def test_sample_is_copied_whole(pull_recovery, tmp_path):
    """The copy has charts, workflows, docs and files whose name begins with a dot."""
    done = pull_recovery("sample", "shop")

    shop = tmp_path / "empty" / "shop"
    copied = {
        file.relative_to(shop): file.read_bytes() for file in shop.rglob("*") if file.is_file()
    }
    tracked = [Path(name) for name in _tracked() if name.startswith("sample/")]
    assert done.returncode == 0, done.stderr
    assert copied == {
        file.relative_to("sample"): (SUITE_ROOT / file).read_bytes() for file in tracked
    }


def test_sample_is_not_copied_over_files(pull_recovery, tmp_path):
    """Existing files stay unchanged."""
    (tmp_path / "empty" / "notes.txt").write_text("mine")

    done = pull_recovery("sample", ".")

    assert (done.returncode, done.stderr) == (
        4,
        "error: . is there, and not an empty folder; name a new one.\n",
    )
    assert [file.name for file in (tmp_path / "empty").iterdir()] == ["notes.txt"]


def test_schemas_are_those_of_the_docs(plain):
    """The package finds both schemas."""
    program = (
        "import json; from pullrecovery.common.suite_files import SCHEMAS;"
        " print(json.dumps({f.name: f.read_text() for f in SCHEMAS.glob('*.schema.json')}))"
    )
    found = json.loads(_run(plain / "python", "-I", "-c", program).stdout)

    assert found == {file.name: file.read_text() for file in (SUITE_ROOT / "docs").glob("*.json")}


def test_emulator_serves_from_the_wheel(with_emulator, tmp_path):
    """The emulator runs without Go or a container engine until Ctrl-C, and leaves no file."""
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [with_emulator / "pull-recovery", "ghcr"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, **pipes) as emulator:
        printed = ""
        for line in emulator.stdout:
            printed += line
            if line.startswith("access log: "):
                break
        proxy, ca = re.search(r"HTTPS_PROXY=(\S+) SSL_CERT_FILE=(\S+)", printed).groups()
        context = ssl.create_default_context(cafile=ca)
        with httpx.Client(proxy=proxy, verify=context) as client:
            answer = client.get("https://ghcr.io/v2/")
        emulator.send_signal(signal.SIGINT)
        printed += emulator.stdout.read()

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="https://ghcr.io/token"')
    assert (emulator.returncode, printed.splitlines()[-1]) == (0, "stopped"), printed
    assert list(tmp_path.iterdir()) == []


def test_emulator_names_its_extra(pull_recovery):
    """The plain install has no web server."""
    done = pull_recovery("ghcr")

    assert done.returncode == 4
    assert "pip install 'pull-recovery[ghcr]'" in done.stderr


def test_lab_command_names_the_missing_extra(pull_recovery, tmp_path):
    """The error says what to install, and the command leaves no file."""
    done = pull_recovery("lab", "status")

    assert done.returncode == 4
    assert "pip install 'pull-recovery[lab]'" in done.stderr
    assert list((tmp_path / "empty").iterdir()) == []
