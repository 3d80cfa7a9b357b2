"""Check which commands the operator's clients run, and what is recorded of their answers."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.probe import CommandResult, Credential
from pullrecovery.observe.registry import observe_identity, observe_platforms
from tests.fakes import recorded
from tests.fakes.printed import DIGEST, REFERENCE, REPOSITORY, TAG

PARSED = parse_reference(REFERENCE)
OPERATOR = Credential("ByteQuester", "ghp_0per4tor")


@dataclass
class World:
    """A runner and a registry that record requests, and nodes of some architectures."""

    operator: Credential | None = OPERATOR
    architectures: tuple[str, ...] = ("amd64",)
    asked: list = field(default_factory=list)
    printed: str = ""
    cluster: object = "a client of the API server"
    platforms: tuple[str, ...] = ()

    @property
    def runner(self):
        return SimpleNamespace(run=self._run)

    @property
    def registry(self):
        return SimpleNamespace(manifest=self._manifest, blobs=self._blobs)

    @property
    def core(self):
        nodes = [
            SimpleNamespace(operating_system="linux", architecture=each)
            for each in self.architectures
        ]
        items = [SimpleNamespace(status=SimpleNamespace(node_info=node)) for node in nodes]
        return SimpleNamespace(list_node=lambda: SimpleNamespace(items=items))

    def _run(self, commands, *, first=(), credential=None):
        self.asked.append(credential)
        return tuple(CommandResult(each, 0, self.printed, "") for each in (*first, *commands))

    def _blobs(self, package, digests, credential):
        self.asked.append((package, tuple(digests), credential))
        return [recorded.ACCEPTED for _ in digests]

    def _manifest(self, package, reference, credential):
        self.asked.append((package, reference, credential))
        return recorded.ACCEPTED


def test_operator_asks_as_the_task_says():
    """The login is on stdin; docker reads the manifest, crane the digest, platforms and tags."""
    seen = observe_identity(World(), PARSED)

    assert [ran.command for ran in seen.commands] == [
        'docker login ghcr.io -u ByteQuester --password-stdin < "$TOKEN_FILE"',
        f"docker manifest inspect {REFERENCE} | jq .schemaVersion",
        f"crane digest {REFERENCE}",
        f"crane manifest {REFERENCE}",
        f"crane config {REFERENCE}",
        f"crane ls {REPOSITORY}",
    ]


def test_operator_without_credential_does_not_log_in():
    """The commands run anonymously, without a login."""
    world = World(operator=None)

    seen = observe_identity(world, PARSED)

    assert seen.login is None
    assert len(seen.commands) == 5
    assert world.asked[0] is None


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        (REFERENCE, TAG),
        (f"{REPOSITORY}@{DIGEST}", DIGEST),
        (f"{REPOSITORY}:{TAG}@{DIGEST}", DIGEST),
        (REPOSITORY, "latest"),
    ],
    ids=["tag", "digest", "both", "neither"],
)
def test_harness_probes_with_same_credential(reference, named):
    """The harness's own probe can only agree or disagree."""
    world = World()

    seen = observe_identity(world, parse_reference(reference))

    assert world.asked == [OPERATOR, ("bytequester/hosting-monorepo", named, OPERATOR)]
    assert seen.probe == recorded.ACCEPTED
    assert seen.tags.command == f"crane ls {REPOSITORY}"


def test_node_platforms_are_listed_once():
    """An image must serve the platforms of all nodes."""
    platforms = observe_platforms(World(architectures=("arm64", "amd64", "arm64")))

    assert platforms == ("linux/amd64", "linux/arm64")


def test_named_platform_replaces_nodes():
    """The image must serve the platforms of this machine if there is no cluster."""
    platforms = observe_platforms(World(cluster=None, platforms=("linux/arm64",)))

    assert platforms == ("linux/arm64",)


def test_shell_characters_stay_in_name():
    """The name is quoted for the shell."""
    seen = observe_identity(World(), parse_reference("ghcr.io/bytequester/x:a;id"))

    assert seen.digest.command == "crane digest 'ghcr.io/bytequester/x:a;id'"


def test_manifest_parts_are_probed():
    """The operator's credential is used; an index has no parts to probe."""
    image = World(printed='{"config": {"digest": "sha256:c"}, "layers": [{"digest": "sha256:l"}]}')
    index = World(printed='{"manifests": [{"digest": "sha256:m"}]}')

    assert observe_identity(image, PARSED).parts == (
        ("sha256:c", recorded.ACCEPTED),
        ("sha256:l", recorded.ACCEPTED),
    )
    assert ("bytequester/hosting-monorepo", ("sha256:c", "sha256:l"), OPERATOR) in image.asked
    assert observe_identity(index, PARSED).parts == ()
