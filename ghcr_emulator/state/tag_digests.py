"""A cache of the digests of tags, valid until a tag may have been moved.

Clients list a package's versions often, and a package may have hundreds of tags.
"""

from collections import Counter


class TagDigests:
    """The cached digests of tags; a push of a manifest invalidates the digest of its tag.

    The push may move the tag at any time between the begin and the end of its request, so both
    count.
    """

    def __init__(self) -> None:
        self._moves: Counter[tuple[str, str]] = Counter()
        self._known: dict[tuple[str, str], tuple[int, str]] = {}

    def moves(self, repository: str, tag: str) -> int:
        """Return how often the tag may have been moved; read it before the registry is asked."""
        return self._moves[repository, tag]

    def may_move(self, repository: str, tag: str) -> None:
        """Note that the tag is about to be moved, or just was."""
        self._moves[repository, tag] += 1

    def learn(self, repository: str, tag: str, digest: str, moves: int) -> None:
        """Store the registry's digest of a tag; `moves` is the count from before the request."""
        self._known[repository, tag] = (moves, digest)

    def known(self, repository: str, tag: str) -> str:
        """Return the digest that the tag points to; '' where it is not known."""
        moves, digest = self._known.get((repository, tag), (-1, ""))
        return digest if moves == self._moves[repository, tag] else ""

    def forget(self, repository: str) -> None:
        """Delete the cached digests of a repository."""
        for key in [key for key in self._known if key[0] == repository]:
            del self._known[key]
