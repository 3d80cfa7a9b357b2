"""Dockerfiles of a target: the engine fetches no address, and builds without a network."""

import pytest

from pullrecovery.common.errors import UsageError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.images import app_images as samples
from pullrecovery.lab.images.dockerfile import check_dockerfile

_ADDRESS = "http://169.254.169.254/latest"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"FROM scratch\nADD {_ADDRESS} /", 2),
        (f"FROM scratch\n  add\t{_ADDRESS} /", 2),
        (f'FROM scratch\nADD ["{_ADDRESS}", "/"]', 2),
        ('FROM scratch\nADD ["http\\u003a//a/b", "/"]', 2),
        (f"ARG U={_ADDRESS}\nFROM scratch\nADD $U /", 3),
        ('FROM scratch\nADD "http":"//a/b" /', 2),
        (f"FROM scratch\nONBUILD ADD {_ADDRESS} /", 2),
        (f"FROM scratch\nADD \\\n  {_ADDRESS} /", 2),
        (f"FROM scratch\nAD\\\n# a comment\n\nD {_ADDRESS} /", 2),
        (f"# escape=`\nFROM scratch\nAD`\nD {_ADDRESS} /", 3),
        (f"FROM scratch\nRUN echo a`\nADD {_ADDRESS} /", 3),
        (f"FROM scratch\r\nAD\\\r\nD {_ADDRESS} /\r\n", 2),
    ],
)
def test_add_of_url_is_refused(tmp_path, text, line):
    """The URL is found behind quotes, variables and continued lines."""
    (tmp_path / "Dockerfile").write_bytes(text.encode())

    with pytest.raises(UsageError, match=rf"Dockerfile:{line}: `.*ADD may fetch an address"):
        check_dockerfile(tmp_path / "Dockerfile")


@pytest.mark.parametrize(
    "text",
    [
        "FROM scratch\nADD site.tar.gz /srv/",
        'FROM scratch\nADD ["a.txt", "b.txt", "/srv/"]',
        "FROM scratch\n# ADD http://a/b /\nCOPY a /b",
        f"FROM scratch\nRUN address={_ADDRESS} make",
    ],
)
def test_file_that_is_added_is_kept(tmp_path, text):
    """Comments and RUN commands may name addresses, because builds have no network."""
    (tmp_path / "Dockerfile").write_text(text)

    check_dockerfile(tmp_path / "Dockerfile")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "no text"])
def test_unreadable_dockerfile_is_named(tmp_path, content):
    """The error is one sentence."""
    if content:
        (tmp_path / "Dockerfile").write_bytes(content)

    with pytest.raises(UsageError, match="Dockerfile cannot be read"):
        check_dockerfile(tmp_path / "Dockerfile")


class _Engine:
    """A fake engine that records its builds, and has every image."""

    def __init__(self):
        self.images, self.asked = self, []

    def build(self, **asked):
        self.asked.append(asked)


class _Tools:
    def __init__(self, cache):
        self.cache, self.paths = cache, self

    def folder(self, _):
        return self.cache / "web-base-0123"

    def binary(self, _):
        return SUITE_ROOT / "LICENSE"


def test_target_image_builds_without_network(tmp_path, monkeypatch):
    """The client's proxies are omitted, because a RUN could print their passwords."""
    monkeypatch.setattr(samples, "kept", lambda *_: None)
    engine = _Engine()

    samples.build_app(engine, _Tools(tmp_path), SUITE_ROOT / "sample/apps/backend", print)

    assert len(engine.asked) == 2
    assert {each["network_mode"] for each in engine.asked} == {"none"}
    assert {each["use_config_proxy"] for each in engine.asked} == {False}


def test_fetching_dockerfile_is_not_built(tmp_path):
    """The engine gets no request."""
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nADD {_ADDRESS} /")
    engine = _Engine()

    with pytest.raises(UsageError, match="Dockerfile:2"):
        samples.build_app(engine, _Tools(tmp_path / "cache"), tmp_path, print)

    assert engine.asked == []
