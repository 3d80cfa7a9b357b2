"""Read untrusted YAML: every problem with it becomes one clear error."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.redaction import redact

# Limit of nodes after aliases are expanded; a rendered chart has a few thousand.
_MOST_NODES = 1_000_000
# Where ruamel.yaml's reasons begin to quote a value.
_QUOTED_VALUE = re.compile(r""" with value "| from ["']|: b?['"]""")
# Exceptions of ruamel.yaml beside its own, for example for invalid dates and numbers.
_OTHERS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)


class UnreadableYamlError(PullRecoveryError):
    """A text is not usable YAML; the message has file or subject, line and reason."""


def load_yaml(text: str, what: str, yaml: YAML | None = None) -> Any:
    """Return the only document of `text`; uses the safe loader unless `yaml` is given.

    `what` is the file or the subject, for the error. Raises UnreadableYamlError.
    """
    with _reading(text, what):
        document = (yaml or YAML(typ="safe")).load(text)
        _check_expansion(document)
        return document


def load_all_yaml(text: str, what: str) -> list[Any]:
    """Return every document of `text`; see `load_yaml`."""
    with _reading(text, what):
        documents = list(YAML(typ="safe").load_all(text))
        _check_expansion(documents)
        return documents


@contextmanager
def _reading(text: str, what: str) -> Iterator[None]:
    try:
        yield
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unreadable(what, line, error.problem) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _unreadable(what, line, error.reason) from error
    except RecursionError as error:
        raise _unreadable(what, 1, "it is nested too deep") from error
    except (YAMLError, *_OTHERS) as error:
        raise _unreadable(what, 1, str(error)) from error


def _unreadable(what: str, line: int, reason: str | None) -> UnreadableYamlError:
    """The error for a reason of ruamel.yaml, without the values that it quotes.

    The file may hold passwords.
    """
    sentence = _QUOTED_VALUE.split(reason or "", maxsplit=1)[0].strip()
    return UnreadableYamlError(
        f"{what}:{line}: not valid YAML: {redact(sentence[:200]) or 'a value'}."
    )


def _check_expansion(document: Any) -> None:
    """Raise ValueError if aliases make a document endless, or huge when expanded."""
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        if not isinstance(node, dict | list):
            return 1
        if id(node) not in sizes:
            # A node that is met again before it is counted contains itself.
            sizes[id(node)] = _MOST_NODES
            children = node.values() if isinstance(node, dict) else node
            sizes[id(node)] = 1 + sum(size(child) for child in children)
        return sizes[id(node)]

    if size(document) >= _MOST_NODES:
        raise ValueError(f"its aliases make it endless, or more than {_MOST_NODES:,} nodes")
