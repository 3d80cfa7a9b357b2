"""Reading YAML that other people wrote: whatever is wrong with it is one clear error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from pullrecovery.common.errors import PullRecoveryError

# Nodes that a document may have once its aliases are followed; a chart renders some thousands.
_MOST_NODES = 1_000_000
# What ruamel.yaml raises beside its own errors, as for dates and numbers that are none.
_OTHERS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)


class UnreadableYamlError(PullRecoveryError):
    """A text that is no YAML of use; the message has file or subject, line and reason."""


def load_yaml(text: str, what: str, yaml: YAML | None = None) -> Any:
    """Return the one document of `text`, by the safe loader unless `yaml` is another.

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
        raise UnreadableYamlError(f"{what}:{line}: not valid YAML: {error.problem}.") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableYamlError(f"{what}:{line}: not valid YAML: {error.reason}.") from error
    except RecursionError as error:
        raise UnreadableYamlError(f"{what}:1: not valid YAML: it is nested too deep.") from error
    except (YAMLError, *_OTHERS) as error:
        raise UnreadableYamlError(f"{what}:1: not valid YAML: {str(error)[:200]}.") from error


def _check_expansion(document: Any) -> None:
    """Raise ValueError where aliases make a document endless or huge for whoever walks it."""
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        if not isinstance(node, dict | list):
            return 1
        if id(node) not in sizes:
            # Met again before it is counted, it is within itself.
            sizes[id(node)] = _MOST_NODES
            children = node.values() if isinstance(node, dict) else node
            sizes[id(node)] = 1 + sum(size(each) for each in children)
        return sizes[id(node)]

    if size(document) >= _MOST_NODES:
        raise ValueError(f"its aliases make it endless, or more than {_MOST_NODES:,} nodes")
