"""Where tags lead, as the registry behind was last asked; kept until a tag may have been moved.

What a package holds is asked for at every turn, and by then it has hundreds of tags.
"""

from collections import Counter


class TagDigests:
    """The digests of tags. A manifest that is put makes what was known of its tag void.

    It may be moved at any time between the begin of its request and the end, so that both count.
    """

    def __init__(self) -> None:
        self._moves: Counter[tuple[str, str]] = Counter()
        self._known: dict[tuple[str, str], tuple[int, str]] = {}

    def moves(self, repository: str, tag: str) -> int:
        """How often the tag may have been moved; to be asked before the registry is."""
        return self._moves[repository, tag]

    def may_move(self, repository: str, tag: str) -> None:
        """Note that the tag is about to be moved, or just was."""
        self._moves[repository, tag] += 1

    def learn(self, repository: str, tag: str, digest: str, moves: int) -> None:
        """Keep what the registry said; `moves` is what it was before it was asked."""
        self._known[repository, tag] = (moves, digest)

    def known(self, repository: str, tag: str) -> str:
        """The digest that the tag leads to; '' where the registry is to be asked."""
        moves, digest = self._known.get((repository, tag), (-1, ""))
        return digest if moves == self._moves[repository, tag] else ""

    def forget(self, repository: str) -> None:
        """Keep nothing of a repository's tags."""
        for key in [key for key in self._known if key[0] == repository]:
            del self._known[key]
