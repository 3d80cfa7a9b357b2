"""A docs site whose configuration attacks the build; each attempt is contained."""

import json
import re
import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pullrecovery.common.errors import LabError
from pullrecovery.common.suite_files import SAMPLE
from pullrecovery.lab.docs_site.docusaurus_build import BuiltSite, SiteBuilder, copy_site
from pullrecovery.lab.docs_site.npm import installed_modules
from pullrecovery.lab.docs_site.site_container import SITE, SiteBox
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.registry.container import CONTAINER, HOST
from pullrecovery.lab.up import Lab

_ATTACKS = Path(__file__).parent / "hostile_docs"
_REFUSALS = {
    *("EACCES", "EPERM", "EROFS", "ENOENT"),
    *("ECONNREFUSED", "ENETUNREACH", "EAI_AGAIN", "ENOTFOUND"),
}


@dataclass(frozen=True)
class Hostile:
    """The sample's docs site with an attack in place of its configuration."""

    lab: Lab
    site: Path

    @property
    def box(self) -> SiteBox:
        return SiteBox(self.lab.engine, BaseImage(self.lab.paths, self.lab.plan.pull))

    def arm(self, attack: str, **asked: object) -> None:
        shutil.copyfile(_ATTACKS / attack, self.site / "docusaurus.config.js")
        (self.site / "attack.json").write_text(json.dumps(asked))

    def built(self) -> BuiltSite:
        """Build as the suite does, and delete the result from the cache."""
        built = SiteBuilder(self.lab.paths, self.box).built(self.site)
        shutil.rmtree(built.files.parent)
        return built


@pytest.fixture
def hostile(lab, tmp_path):
    """A copy of the site, ready to get an attack."""
    copy_site(SAMPLE / "docs", tmp_path / "site")
    return Hostile(lab, tmp_path / "site")


@pytest.fixture
def canaries(tmp_path, monkeypatch):
    """Return secret values in the environment and in files, and the files' paths."""
    values = [f"canary-{secrets.token_hex(16)}" for _ in range(3)]
    monkeypatch.setenv("PULL_RECOVERY_CANARY", values[0])
    (tmp_path / "gate.key").write_text(values[1])
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(values[2])
    return values, [str(tmp_path / "gate.key"), str(tmp_path / ".kube" / "config")]


def _tries(words: str) -> dict[str, str]:
    """Return the outcome of each attempt: the first word printed for it."""
    return dict(re.findall(r"\btried (.+?): (\S+)", words))


def _address(engine_client) -> str:
    networks = engine_client.containers.get(CONTAINER).attrs["NetworkSettings"]["Networks"]
    return next(network["IPAddress"] for network in networks.values())


def test_hostile_docs_reach_only_their_site(hostile, lab, canaries, engine_client):
    """Attempts on files, processes, the network and other users are each refused."""
    values, paths = canaries
    (hostile.site / "docs" / "open.md").write_text(shown := f"canary-{secrets.token_hex(16)}")
    files = [*paths, "/etc/shadow", str(lab.paths.kubeconfig), str(lab.paths.state)]
    files += [lab.engine.host.removeprefix("unix://"), "/var/run/docker.sock"]
    places = ["/etc/attacked", f"{SITE}/docs/attacked", f"{SITE}/node_modules/attacked"]
    places += ["/usr/local/bin/node", "/usr/local/bin/attacked"]
    addresses = [("127.0.0.1", lab.emulator.https_port), (_address(engine_client), 443)]
    names = [HOST, "localhost.localdomain"]
    hostile.arm(
        "reach.js",
        files=[*files, "docs/open.md"],
        places=[*places, "/scratch/allowed"],
        addresses=addresses,
        names=names,
    )

    words = hostile.built().words

    tries = _tries(words)
    refused = [*(f"read {file}" for file in files), *(f"write {place}" for place in places)]
    # Paths in the site are printed relative to it.
    refused = [what.replace(f"{SITE}/", "") for what in refused]
    refused += [f"connect {host} {port}" for host, port in addresses]
    refused += [*(f"resolve {name}" for name in names), "setuid 0"]
    assert {what: tries[what] for what in refused if tries[what] not in _REFUSALS} == {}
    assert tries["write /scratch/allowed"] == tries["read docs/open.md"] == "done"
    assert "holds Uid: 65534 65534 65534 65534" in words
    assert "holds CapEff: 0000000000000000" in words
    assert "holds NoNewPrivs: 1" in words
    assert tries["read /proc/self/environ"] == "done"
    assert "NO_UPDATE_NOTIFIER=1" in words
    assert shown in words, "what is planted in the output is not found there"
    assert [value for value in values if value in words] == []


def test_hostile_docs_process_count_is_limited(hostile):
    """The process above the limit is refused, and the others end with the build."""
    hostile.arm("fork.js")

    ended = re.search(r"tried fork: (\w+) with (\d+) living", hostile.built().words)

    assert ended[1] == "EAGAIN"
    assert 500 < int(ended[2]) < 1024


def test_hostile_docs_memory_and_disk_are_limited(hostile):
    """The build writes to memory, of which it has a limited share."""
    hostile.arm("fill.js")

    ended = re.search(r"tried fill: (\w+) after (\d+) MiB", hostile.built().words)

    assert ended[1] == "ENOSPC"
    assert int(ended[2]) <= 1024


def test_docs_build_without_end_is_killed(hostile, tmp_path, engine_client):
    """The container is removed, with the processes that it started."""
    hostile.arm("linger.js")
    modules = installed_modules(hostile.lab.paths, hostile.site, lambda _: None)
    (tmp_path / "results").mkdir()

    with pytest.raises(LabError, match="not built within 10 s"):
        replace(hostile.box, within=10).build(
            hostile.site, modules, None, tmp_path / "results", lambda _: None
        )

    left = engine_client.containers.list(all=True, filters={"label": f"{LABEL}=docs"})
    mounted = [mount["Source"] for container in left for mount in container.attrs["Mounts"]]
    assert str(hostile.site) not in mounted
