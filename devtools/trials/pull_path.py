"""Test runs on pulled images without the internet, with published images in a local registry.

The node image and the base that this machine has built are pushed to a plain registry on the
loopback interface and removed from the engine. The same run must then pull them by digest, and
report that.
"""

import json
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import httpx

from devtools.trials.losses import Site
from devtools.trials.runs import FOLDER, TrialError, whole_run
from pullrecovery.common.process import child
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.cluster.kind_cluster import NODE
from pullrecovery.lab.down import remove_lab
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.up import LabStart
from pullrecovery.report.records import Result

_SMOKE = ["acceptance", "--smoke"]
_SAME = ("kubernetes", "containerd")


def prove(site: Site) -> list[str]:
    """Run on built and on pulled images; return a summary, raises TrialError if they differ."""
    lab = LabStart(site.paths, site.versions).up()
    client = lab.engine.client()
    built = {"NODE_IMAGE": site.node().tag, "BASE_IMAGE": BaseImage(site.paths).tag}
    by_build = whole_run(_SMOKE, FOLDER / "built.log")
    verdicts = _verdicts(by_build.result)
    with _registry(lab.tools.binary(toolchain.DISTRIBUTION, "registry")) as address:
        pushed = {name: _push(client, tag, address) for name, tag in built.items()}
        _forget(client, built["NODE_IMAGE"])
        by_pull = whole_run(_SMOKE, FOLDER / "pulled.log", {**pushed, "IMAGES": "auto"})
    if by_pull.code != 0 or _verdicts(by_pull.result) != verdicts:
        raise TrialError(f"By pulling, the results are others than by building: {by_pull.log}.")
    versions = by_pull.result.run.versions
    if versions["node_image"] != pushed["NODE_IMAGE"]:
        raise TrialError(f"The node image was not pulled but {versions['node_image']}.")
    _bring_back(site, pushed["NODE_IMAGE"], built["NODE_IMAGE"])
    return [
        f"pulled {versions['node_image']} ({versions['node_image_because']})",
        f"the same verdicts by both paths: {', '.join(verdicts)}",
    ]


def _verdicts(result: Result) -> list[str]:
    return [f"{criterion.id} {criterion.outcome}" for criterion in result.criteria]


@contextmanager
def _registry(binary: Path) -> Iterator[str]:
    """Run CNCF distribution on the loopback interface, where engines accept HTTP.

    Yield `host:port`.
    """
    with tempfile.TemporaryDirectory(prefix="pull-recovery-registry-") as folder:
        address = f"127.0.0.1:{_free_port()}"
        config = Path(folder) / "config.json"
        storage = {"filesystem": {"rootdirectory": f"{folder}/data"}}
        # JSON is YAML too.
        settings = {"version": 0.1, "storage": storage, "http": {"addr": address}}
        config.write_text(json.dumps(settings))
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with child([str(binary), "serve", str(config)], popen=quiet) as process:
            wait_for("the registry answers", lambda: _answers(address), bool, timeout=30)
            yield address
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/v2/", trust_env=False).is_success
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _push(client: docker.DockerClient, tag: str, address: str) -> str:
    """Push an image of the engine; return its reference by digest."""
    repository = f"{address}/{tag.partition(':')[0]}"
    client.images.get(tag).tag(repository, "mirrored")
    events = list(client.api.push(repository, "mirrored", stream=True, decode=True))
    digests = [event["aux"]["Digest"] for event in events if "Digest" in event.get("aux", {})]
    client.images.remove(f"{repository}:mirrored")
    if not digests:
        raise TrialError(f"{tag} could not be pushed: {events[-1:]}")
    return f"{repository}:mirrored@{digests[0]}"


def _forget(client: docker.DockerClient, tag: str) -> None:
    """Delete the cluster, and the node image by all its names, so that it must be pulled."""
    client.containers.get(NODE).remove(force=True, v=True)
    client.images.remove(str(client.images.get(tag).id), force=True)


def _bring_back(site: Site, pulled: str, tag: str) -> None:
    """Tag the node image with its old name, so that the next run need not build it again."""
    engine = site.engine()
    if engine:
        repository, _, version = tag.partition(":")
        engine.client().images.get(pulled).tag(repository, version)
        remove_lab(site.paths, lambda _: None)
