"""What is not known of GHCR, or known both ways: one knob each, set to the better-attested side."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final


class KnobError(ValueError):
    """One sentence on a knob that does not exist, or a value that it does not have."""

    def __init__(self, key: str, sentence: str) -> None:
        """`key` is the knob's name, also where it is none."""
        super().__init__(sentence)
        self.key = key


def _choice(*values: object) -> Any:  # a field of the type of its values
    """Give a field that has one of `values`; the first is the default."""
    return field(default=values[0], metadata={"values": values})


@dataclass(frozen=True, slots=True)
class Knobs:
    """The knobs; the first value of each is its default. Sources: docs/mirror.md.

    | knob | says |
    |---|---|
    | token_private | status of /token for nobody at a private package |
    | token_missing | the same at a package that does not exist |
    | token_scopeless | status of /token for a valid classic token without a scope of packages |
    | missing_package | code of the 404 for a missing package, where the caller is known |
    | write_reads | whether `write:packages` without `read:packages` reads |
    | sso_pull | what a pull with a token that SSO was not granted to is told |
    | catalog | what `/v2/_catalog` gives a known caller: the public packages, or 403 |
    | catalog_anonymous | status of `/v2/_catalog` for nobody |
    | blobs | whether a blob is given by redirect to GitHub's storage, or by the front itself |
    | referrers | whether the referrers API answers 404 at once, or by redirect to github.com |
    | any_bearer | whether any base64 text is a bearer for what is public |
    | bearer_seconds | how long a bearer token lasts; 0 is as long as its credential |
    """

    token_private: int = _choice(401, 403)
    token_missing: int = _choice(403, 401)
    token_scopeless: int = _choice(200, 403)
    missing_package: str = _choice("NAME_UNKNOWN", "MANIFEST_UNKNOWN")
    write_reads: bool = _choice(True, False)
    sso_pull: str = _choice("saml", "read_package")
    catalog: str = _choice("public", "denied")
    catalog_anonymous: int = _choice(401, 403)
    blobs: str = _choice("redirect", "inline")
    referrers: str = _choice("missing", "redirect")
    any_bearer: bool = _choice(True, False)
    bearer_seconds: int = 0

    def as_document(self) -> dict[str, object]:
        """Return every knob and its value."""
        return asdict(self)


_VALUES: Final[dict[str, tuple[object, ...] | None]] = {
    knob.name: knob.metadata.get("values") for knob in fields(Knobs)
}


def set_knobs(values: Mapping[str, object]) -> Knobs:
    """Return the knobs with these values, and the default of all others; raises KnobError."""
    for key, value in values.items():
        _check(key, value)
    chosen: dict[str, Any] = dict(values)
    return Knobs(**chosen)


def _check(key: str, value: object) -> None:
    if key not in _VALUES:
        raise KnobError(key, f"unknown knob {key[:40]!r}: the knobs are {', '.join(_VALUES)}")
    allowed = _VALUES[key]
    if allowed is None:
        if type(value) is not int or value < 0:
            raise KnobError(key, f"{key!r} must be a whole number of seconds, 0 or more")
    # 1 == True: a flag and a number are not the same here.
    elif not any(type(value) is type(one) and value == one for one in allowed):
        listed = ", ".join(_spelled(one) for one in allowed)
        raise KnobError(key, f"{key!r} must be one of {listed}")


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
