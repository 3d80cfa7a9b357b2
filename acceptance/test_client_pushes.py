"""Common clients push to the GHCR emulator over the network, and print the expected messages."""

import json
import re
import secrets

import pytest

from pullrecovery.model.target import Image

_AUTH = '--authfile "$DOCKER_CONFIG/config.json"'
_LOGIN = 'docker login ghcr.io -u {login} --password-stdin < "$TOKEN_FILE"'
_CHART = "apiVersion: v2\\nname: {chart}\\nversion: 0.1.0\\n"
_PUSHED = {
    "docker": (
        "docker pull --quiet {source} && docker tag {source} {repository}:docker"
        " && docker push --quiet {repository}:docker"
    ),
    "crane": "crane copy {source} {repository}:crane",
    "skopeo": "skopeo copy --quiet {auth} docker://{source} docker://{repository}:skopeo",
    "oras": "echo pushed > note.txt && oras push {repository}:oras note.txt:text/plain",
    "helm": (
        "mkdir {chart} && printf '{text}' > {chart}/Chart.yaml && helm package {chart}"
        " && helm push {chart}-0.1.0.tgz oci://{repository}"
    ),
}
_DELETED = {
    "crane": "crane delete {repository}@$(crane digest {repository}:v1)",
    "skopeo": "skopeo delete {auth} docker://{repository}:v1",
    "oras": "oras manifest delete --force {repository}:v1",
}
_NO_SCOPE = re.escape("permission_denied: The token provided does not match expected scopes.")
_NO_WRITE = re.escape("permission_denied: write_package")
_NO_OPERATION = re.escape("The operation is unsupported.")
REFUSALS = {
    "a token that may only read": (
        "reader",
        {
            "docker": rf"^denied: {_NO_SCOPE}$",
            "crane": rf"Error: POST \S+/blobs/uploads/: DENIED: {_NO_SCOPE}$",
            "skopeo": rf"initiating layer upload to \S+ in ghcr\.io: denied: {_NO_SCOPE}",
            "oras": rf"Error response from registry: denied: {_NO_SCOPE}$",
            "helm": rf"response status code 403: denied: {_NO_SCOPE}$",
        },
    ),
    "a stranger who may write elsewhere": (
        "stranger",
        {
            "docker": rf"^denied: {_NO_WRITE}$",
            "crane": rf"Error: \S+ https://ghcr\.io/v2/\S+: DENIED: {_NO_WRITE}$",
            "skopeo": rf"ghcr\.io\S*: denied: {_NO_WRITE}",
            "oras": rf"Error response from registry: denied: {_NO_WRITE}$",
            "helm": rf"response status code 403: denied: {_NO_WRITE}$",
        },
    ),
}
_TAGS = 105


@pytest.fixture(name="source")
def _source(make_package):
    """A public image that every account may copy."""
    return make_package("public")


@pytest.fixture(name="make_repository")
def _make_repository(lab_world):
    """Create a package for the test with the tag v1."""
    target = lab_world.target

    def make(visibility):
        image = Image(f"{target.registry}/{target.owner}/pushed-{secrets.token_hex(4)}", "v1")
        logins = [target.login]
        lab_world.control.share_package(image.package, visibility, logins, logins, logins)
        lab_world.publish(image, target.workloads[0].app)
        return image.repository

    return make


@pytest.fixture(name="repository")
def _repository(make_repository):
    return make_repository("private")


@pytest.fixture(name="caller")
def _caller(lab_world):
    def called(name):
        if name == "reader":
            return lab_world.issue_token()
        login = f"stranger-{secrets.token_hex(4)}" if name == "stranger" else ""
        return lab_world.issue_token(scopes=("read:packages", "write:packages"), login=login)

    return called


def _run(lab_world, commands, credential, **names):
    """Run named commands in the runner as one account; returns each result by name."""
    filled = [text.format(auth=_AUTH, **names) for text in commands.values()]
    login = [_LOGIN.format(login=credential.login)]
    ran = lab_world.runner.run(filled, first=login, credential=credential)
    return dict(zip(commands, ran[1:], strict=True))


def _names(source, repository):
    """Return the values for the commands of a push; the chart goes under the repository."""
    chart = f"chart-{secrets.token_hex(3)}"
    return {
        "source": source.reference,
        "repository": repository,
        "chart": chart,
        "text": _CHART.format(chart=chart),
    }


@pytest.mark.parametrize(("name", "words"), REFUSALS.values(), ids=REFUSALS.keys())
def test_push_is_refused_in_ghcrs_words(lab_world, source, make_repository, caller, name, words):
    """A push to a public package is refused, and leaves nothing behind."""
    repository = make_repository("public")
    ran = _run(lab_world, _PUSHED, caller(name), **_names(source, repository))

    said = {client: each.stderr.strip() for client, each in ran.items()}
    wrong = {c: text for c, text in said.items() if not re.search(words[c], text)}
    assert wrong == {}
    listed = _run(
        lab_world,
        {"crane": "crane ls {repository}"},
        caller("reader"),
        repository=repository,
    )
    assert listed["crane"].stdout.split() == ["v1"]


def test_what_one_client_pushed_another_reads(lab_world, source, repository, caller):
    """Clients push images, a file and a chart; the tags are listed in the order of their pushes."""
    writer, names = caller("writer"), _names(source, repository)
    pushed = _run(lab_world, _PUSHED, writer, **names)
    assert {client: each.rc for client, each in pushed.items()} == dict.fromkeys(_PUSHED, 0)

    questions = {
        "of docker": "crane digest {repository}:docker",
        "of crane": "skopeo inspect {auth} --format '{{{{.Digest}}}}' docker://{repository}:crane",
        "of skopeo": "docker pull --quiet {repository}:skopeo",
        "of oras": "oras pull {repository}:oras && cat note.txt",
        "of helm": "helm pull oci://{repository}/{chart} --version 0.1.0 && ls {chart}-0.1.0.tgz",
        "tags": "crane ls {repository}",
        "referrers": "oras discover --format json {repository}:crane",
    }
    read = _run(lab_world, questions, writer, **names)

    assert {name: each.rc for name, each in read.items()} == dict.fromkeys(questions, 0)
    assert read["of crane"].stdout.strip() == source_digest(lab_world, source)
    assert read["of oras"].stdout.endswith("pushed\n")
    tags = read["tags"].stdout.split()
    assert tags[0] == "v1"
    assert set(tags[1:]) == {"docker", "crane", "skopeo", "oras"}
    assert not json.loads(read["referrers"].stdout)["referrers"]


def source_digest(lab_world, image):
    """Return the digest that the registry gives anonymously."""
    return lab_world.registry.manifest(image.package, image.tag, None).digest


def test_no_client_can_delete(lab_world, repository, caller):
    """GHCR answers 405: versions are deleted with the packages API."""
    ran = _run(lab_world, _DELETED, caller("writer"), repository=repository)

    assert all(each.rc != 0 and re.search(_NO_OPERATION, each.stderr) for each in ran.values()), ran
    still = _run(
        lab_world,
        {"crane": "crane ls {repository}"},
        caller("reader"),
        repository=repository,
    )
    assert still["crane"].stdout.split() == ["v1"]


def test_tags_are_paged_oldest_first(lab_world, repository, caller):
    """GHCR lists a hundred tags a page, with a relative Link to the next page."""
    package, app = repository.partition("/")[2], lab_world.target.workloads[0].app
    wanted = [f"t{secrets.token_hex(4)}" for _ in range(_TAGS)]
    for tag in wanted:
        lab_world.publish(Image(repository, tag), app)
    mark = lab_world.mark()

    questions = {
        "crane": "crane ls {repository}",
        "oras": "oras repo tags {repository}",
        "skopeo": "skopeo list-tags {auth} docker://{repository} | jq --raw-output '.Tags[]'",
    }
    ran = _run(lab_world, questions, caller("reader"), repository=repository)

    assert [each.stdout.split() for each in ran.values()] == [["v1", *wanted]] * len(questions)
    assert _pages(lab_world, mark, package) >= 4


def _pages(lab_world, mark, package):
    """Return how many pages of the package's tags were served since the mark."""
    entries = lab_world.control.log(since=mark, repository=package, status=200)
    return sum(entry.route == "tags" for entry in entries)


def test_catalogue_is_for_who_has_a_token(lab_world, source, caller):
    """The catalogue needs a token, and then lists public packages."""
    commands = {"crane": "crane catalog ghcr.io", "oras": "oras repo ls ghcr.io"}
    known = _run(lab_world, commands, caller("reader"))
    anonymous = lab_world.runner.run(list(commands.values()))

    assert all(source.package in each.stdout.split() for each in known.values()), known
    assert all(each.rc != 0 for each in anonymous), anonymous
    assert "UNAUTHORIZED: authentication required" in anonymous[0].stderr
