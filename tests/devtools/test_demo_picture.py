"""The README's picture is drawn from what `make demo` printed, and loads nothing."""

import html
import re

import pytest

from devtools import demo_picture

LOG = """\
collected 530 items

acceptance/test_recovery_story.py
    3 s  pods do not start
         still failing frontend REG-003 secret.missing
         why           Secret frontend-dev/ghcr-credentials
                       does not exist

    8 s  REG-003 the pull secret
         done          created
         still failing one
         still failing two

   13 s  REG-008 the least token
         done          revoked
         OK            frontend: every criterion passes
.
1 passed
"""


@pytest.fixture(name="drawn")
def _drawn(tmp_path, monkeypatch):
    """Return the text of the picture of LOG, and its lines."""
    picture, log = tmp_path / "img" / "demo.svg", tmp_path / "demo.log"
    monkeypatch.setattr(demo_picture, "PICTURE", picture)
    log.write_text(LOG)

    assert demo_picture.draw_demo(log) == 0

    parts = re.findall(r"<text[^>]*>([^<]*)</text>", picture.read_text())
    return picture.read_text(), " ".join(html.unescape(" ".join(parts)).split())


def test_picture_has_steps_and_their_first_lines(drawn):
    """A step in the middle has two lines; a continued line is joined to the one before."""
    _, words = drawn

    assert "$ make demo" in words
    assert "why Secret frontend-dev/ghcr-credentials does not exist" in words
    assert "still failing one" in words
    assert "still failing two" not in words
    assert "frontend: every criterion passes" in words
    assert "1 passed" not in words


def test_picture_loads_no_font(drawn):
    """GitHub shows it as an image, in which a font of another host is not loaded."""
    text, _ = drawn

    assert not re.search(r"@font-face|url\(\"http", text)


def test_other_log_is_refused(tmp_path):
    """A log without a step would make an empty picture."""
    (tmp_path / "log").write_text("1 passed\n")

    with pytest.raises(ValueError, match="no step"):
        demo_picture.draw_demo(tmp_path / "log")
