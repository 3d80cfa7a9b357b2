"""The lab's git server: one repository behind `git daemon`, with one branch for each test.

It is a container of Argo CD's image on the lab's network. The lab creates commits inside of it. A
command that pushes, such as `gate promote`, reaches it on a port of the loopback interface.
"""

import io
import re
import shlex
import tarfile
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from pullrecovery.common.errors import LabError
from pullrecovery.lab.engine.containers import await_answer, execute, remove_own, run_in
from pullrecovery.lab.engine.network import free_ports
from pullrecovery.lab.paths import LABEL, NAME

CONTAINER = f"{NAME}-git"
_REPOSITORY = "/srv/git/monorepo.git"
_GIT = f"git --git-dir={_REPOSITORY}"
_ANSWERS_WITHIN = 30.0
_BRANCH = re.compile(r"[a-z0-9][a-z0-9-]*")
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "pull-recovery"), ("EMAIL", "pull-recovery@example.invalid"))
}
_SERVE = f"""\
git init --quiet --bare --initial-branch=main {_REPOSITORY}
exec git daemon --export-all --enable=receive-pack --reuseaddr --base-path=/srv/git /srv/git
"""
_PORT = "9418/tcp"
# A commit of the whole tree with its own index, because branches are written in parallel.
_COMMIT = """\
set -e
export GIT_DIR={repository}
export GIT_WORK_TREE=/srv/trees/{branch} GIT_INDEX_FILE=/srv/trees/{branch}.index
rm -f "$GIT_INDEX_FILE"
cd "$GIT_WORK_TREE"
git add --all .
tree=$(git write-tree)
parent=$(git rev-parse --verify --quiet refs/heads/{branch} || true)
if [ -n "$parent" ] && [ "$tree" = "$(git rev-parse "$parent^{{tree}}")" ]
then commit=$parent
else commit=$(git commit-tree "$tree" ${{parent:+-p "$parent"}} -m '{message}')
fi
git update-ref refs/heads/{branch} "$commit"
cd / && rm -rf "$GIT_WORK_TREE" "$GIT_INDEX_FILE"
echo "$commit"
"""


@dataclass(frozen=True)
class GitServer:
    """The running container; `url` is the repository's URL for pods."""

    container: Container

    @property
    def url(self) -> str:
        return f"git://{CONTAINER}/{Path(_REPOSITORY).name}"

    @property
    def outer_url(self) -> str:
        """Return the repository's URL for this machine, which may push to it."""
        (published,) = self.container.attrs["NetworkSettings"]["Ports"][_PORT]
        return f"git://127.0.0.1:{published['HostPort']}/{Path(_REPOSITORY).name}"

    def commit(self, branch: str, folder: Path, message: str = "State of the checkout") -> str:
        """Make `folder` the whole content of `branch`; return the commit's id.

        Unchanged content creates no commit.
        """
        if not _BRANCH.fullmatch(branch):
            raise LabError(f"{branch!r} is no name for a branch of the lab's git server.")
        self.container.put_archive("/srv/trees", _tree(folder, branch))
        script = _COMMIT.format(repository=_REPOSITORY, branch=branch, message=message)
        return self._run(script).strip()

    def checkout(self, commit: str, folder: Path) -> None:
        """Write the tree of `commit` into `folder`."""
        command = [*shlex.split(_GIT), "archive", "--format=tar", commit]
        done = execute(self.container, command)
        if done.exit_code != 0:
            raise LabError(f"The lab's git server has no commit {commit}.")
        with tarfile.open(fileobj=io.BytesIO(done.output)) as tar:
            tar.extractall(folder, filter="data")

    def drop(self, branch: str) -> None:
        """Delete a branch if it exists, and the branches whose names extend it."""
        named = f"{_GIT} for-each-ref --format='delete %(refname)' refs/heads/{branch}"
        self._run(f"{named} 'refs/heads/{branch}-*' | {_GIT} update-ref --stdin")

    def branches(self) -> list[str]:
        """Return the names of all branches."""
        listed = f"{_GIT} for-each-ref --format='%(refname:short)' refs/heads"
        return self._run(listed).split()

    def file(self, path: str) -> bytes:
        """Return a file of the image that the server runs from."""
        done = execute(self.container, ["cat", path])
        if done.exit_code != 0:
            raise LabError(f"The image of Argo CD has no {path}.")
        return done.output

    def answers(self) -> bool:
        """Return whether the daemon serves the repository."""
        asked = f"git ls-remote git://127.0.0.1/{Path(_REPOSITORY).name}"
        return execute(self.container, ["sh", "-c", asked]).exit_code == 0

    def _run(self, script: str) -> str:
        command = ["sh", "-c", script]
        return run_in(self.container, command, "The lab's git server failed", environment=_IDENTITY)


def find_git_server(client: docker.DockerClient, image: str = "") -> GitServer | None:
    """Return the running git server, if it is of `image` and answers, else None."""
    try:
        container = client.containers.get(CONTAINER)
    except NotFound:
        return None
    config = container.attrs["Config"]
    other = image and (config["Image"] != image or config["Cmd"][-1] != _SERVE)
    if LABEL not in container.labels or other or container.status != "running":
        return None
    server = GitServer(container)
    return server if server.answers() else None


def drop_branches(client: docker.DockerClient) -> list[str]:
    """Delete every branch that a scenario left; return their names, none without a server."""
    server = find_git_server(client)
    if server is None:
        return []
    left = server.branches()
    for branch in left:
        server.drop(branch)
    return [f"branch {branch}" for branch in left]


def ensure_git_server(client: docker.DockerClient, image: str) -> GitServer:
    """Return the running git server, or start a new one and wait until it answers."""
    found = find_git_server(client, image)
    if found:
        return found
    remove_own(client, CONTAINER)
    container = client.containers.run(
        image,
        ["sh", "-c", _SERVE],
        name=CONTAINER,
        hostname="git",
        labels={LABEL: "git"},
        network=NAME,
        ports={_PORT: ("127.0.0.1", free_ports(1)[0])},
        detach=True,
        init=True,
    )
    # Its ports are known only after the start.
    container.reload()
    server = GitServer(container)
    what = "the lab's git server answers"
    await_answer(container, what, server.answers, within=_ANSWERS_WITHIN)
    return server


def _tree(folder: Path, name: str) -> bytes:
    """Return a tar of `folder` under `name`, owned by the user that the server runs as."""

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 999
        entry.uname = entry.gname = "argocd"
        return entry

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, name, filter=owned)
    return buffer.getvalue()
