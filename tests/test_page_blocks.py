"""Typing a page's blocks: which lines are told to have failed, with bash and without the lab."""

import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.scenario.page_blocks import block_with, failures_of, play_blocks, unprinted_of
from pullrecovery.lab.paths import REPOSITORY
from pullrecovery.lab.runner import shell as runner_shell
from pullrecovery.lab.runner.shell import RunnerShell
from pullrecovery.model.observation import Credential

RUN_CASE = Path(runner_shell.__file__).parent / "runner_files" / "run-case"
TOKEN = "ghp_" + "P4geT0ken" * 4


@pytest.fixture(name="play")
def _play(monkeypatch, tmp_path):
    """Return what types blocks with this machine's bash, in the way of the runner."""

    def fed(_, command, given):
        done = subprocess.run(
            [RUN_CASE, *command[1:]], input=given, capture_output=True, check=False
        )
        return done.stdout, done.stderr

    monkeypatch.setattr(runner_shell, "fed", fed)
    monkeypatch.setattr(runner_shell, "CASES", str(tmp_path))
    runner = RunnerShell(SimpleNamespace())
    return lambda *code: play_blocks(runner, code, {}, Credential("ByteQuester", TOKEN))


FAILING = {
    "a line between others": ("true\nfalse\necho on", [(2, 1)]),
    "the first of a pipe": ("true\n(exit 3) | cat\ntrue", [(2, 3)]),
    "one of a block in braces": ("true\necho x | { cat; false; true; }\ntrue", [(2, 1)]),
    "a pass of a loop": ("for n in 1 2; do\n  test $n = 2\ndone\ntrue", [(2, 1)]),
    "left of &&": ("true\nfalse && true\ntrue", [(2, 1)]),
    "a variable of a command": ("true\nX=$(false)\ntrue", [(2, 1), (2, 1)]),
    "a pipe of three lines, by its last": ("true\n(exit 4) |\n  cat \\\n    -\ntrue", [(4, 4)]),
    "in a function": ("f() {\n  false\n  true\n}\nf\ntrue", [(2, 1)]),
    "the last one": ("true\nfalse", [(2, 1)]),
    "no command at all": ("true\nno-such-command\ntrue", [(2, 127)]),
    "what is no shell": ("true\necho (\ntrue", [(2, 2)]),
}
GOOD = {
    "right of ||": "false || true\ntrue",
    "a condition": "if false; then true; fi\nwhile false; do true; done\n! false",
    "a loop on lines": "for n in 1 2; do\n  echo $n\ndone",
    "a here-document": "cat <<END\nx\n\nEND",
    "a comment and blank lines": "# see\n\ntrue\n",
}


@pytest.mark.parametrize(("code", "failed"), FAILING.values(), ids=FAILING)
def test_failed_line_of_a_block_is_reported(play, code, failed):
    """Whatever the last command of the block ends with."""
    (block,) = play(code)

    assert list(block.failed) == failed
    assert len(block.failures) == len(failed)
    assert block.ran.rc == 1


@pytest.mark.parametrize("code", GOOD.values(), ids=GOOD)
def test_block_that_copes_with_failures_has_none(play, code):
    """A person sees no error either."""
    (block,) = play(code)

    assert (block.failures, block.ran.rc) == ([], 0)


def test_line_that_failed_is_told_with_its_words(play):
    """And the lines after it are typed all the same."""
    played = play("echo a\nls /no/such/folder\necho b", "echo c")

    (failure,) = failures_of(played)
    assert failure.startswith("ls /no/such/folder: exit code 2: ls: ")
    assert [block.lines for block in played] == [["a", "b"], ["c"]]


def test_block_that_ends_its_shell_has_failed(play):
    """No line is told then, as the shell is gone."""
    (block,) = play("exit 7\ntrue")

    assert block.failures == ["exit 7\ntrue: ended with 7: nothing, exit code 7"]


def test_block_knows_what_was_exported_before(play):
    """A variable that was not exported is gone; the token is read where it is asked for."""
    played = play(
        "A=1\nexport B=2\nread -rsp 'token: ' T && export T",
        'echo "${A:-none} $B ${#T}"\npwd | xargs basename\necho "${KUBECONFIG##*/}"',
    )

    assert failures_of(played) == []
    assert played[1].lines == [f"none 2 {len(TOKEN)}", "checkout", "kubeconfig"]


STATED = {
    "a line": ("echo a b\n# prints a b", []),
    "another line": ("echo a\n# prints b", ["b"]),
    "part of a line": ("echo a b\n# prints a", ["a"]),
    "any text": ("echo sha256:ab\n# prints sha256:…", []),
    "wide blanks": ("echo '  a   b'\n# prints a b", []),
    "signs of an expression": ("echo 'a+ (b)'\n# prints a+ (b)", []),
    "a value that was exported": ("export TAG=1.0\necho v1.0\n# prints v$TAG", []),
    "a value that was not": ("TAG=1.0\necho v1.0\n# prints v$TAG", ["v$TAG"]),
    "one line twice": ("echo a\n# prints a\n# prints a", ["a"]),
    "another order": ("echo a\necho b\n# prints b\n# prints a", []),
    "nothing": ("true\n# prints nothing", []),
    "something for nothing": ("echo a\n# prints nothing", ["nothing"]),
}


@pytest.mark.parametrize(("code", "unprinted"), STATED.values(), ids=STATED)
def test_stated_line_that_is_not_printed_is_reported(play, code, unprinted):
    """With what the block printed."""
    played = play(code)

    found = unprinted_of(played)

    assert [each.partition(": not printed in ")[0] for each in found] == unprinted
    assert all(repr(played[0].ran.stdout) in each for each in found)


def test_page_of_the_sample_states_what_most_of_its_blocks_print():
    """Those that print nothing of use state nothing, and those that ask GitHub."""
    text = (REPOSITORY / "sample" / "docs" / "docs" / "registry-auth.md").read_text()
    blocks = re.findall(r"(?ms)^```bash\n(.*?)^```$", text)

    silent = [block for block in blocks if "# prints " not in block]

    assert len(blocks) == 17
    assert [block.split("\n")[0][:12] for block in silent] == [
        "export TAG=c",
        "gh run list ",
        "gh workflow ",
        "for namespac",
        "for namespac",
    ]


def test_block_is_found_by_what_is_in_it(play):
    """Text of two blocks finds none of them."""
    played = play("echo a", "echo b")

    assert block_with(played, "echo b").lines == ["b"]
    with pytest.raises(LookupError, match="2 blocks of the page have 'echo'"):
        block_with(played, "echo")
