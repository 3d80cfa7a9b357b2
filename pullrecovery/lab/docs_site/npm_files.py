"""Reduce a site's package.json and lock to packages of a registry, before npm reads them.

A commit must not choose where packages come from. So `resolved` is removed from the lock, which
makes npm use the configured registry, and a package from anywhere else is rejected. Source: the
lock's format, https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pullrecovery.common.errors import UsageError

MANIFEST, LOCK = "package.json", "package-lock.json"
_LISTS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
# All that an installation depends on. Others are dropped: `workspaces`, for one, would make npm
# read other directories.
_KEPT = ("name", "version", *_LISTS, "peerDependenciesMeta", "overrides", "engines")
_HEAD = ("name", "version", "lockfileVersion", "requires")
_NAME = r"(?:@[a-z0-9~-][\w.~-]*/)?[A-Za-z0-9~-][\w.~-]*"
_PLACE = re.compile(rf"node_modules/{_NAME}(?:/node_modules/{_NAME})*")
_VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+-]*")
# A range, a tag, or an alias `npm:NAME@` before it; without `:` and `/` it cannot be an address.
_RANGE = re.compile(rf"(?:npm:{_NAME}(?:@|$))?(?!\.)[\w.+*^~<>=| -]*")
_TARBALL = re.compile(r"\.(?:tgz|tar|tar\.gz)$", re.IGNORECASE)
_INTEGRITY = re.compile(r"sha(?:1|256|384|512)-[A-Za-z0-9+/=]+(?: .*)?")


def npm_files(site: Path) -> dict[str, str]:
    """Return the texts of both files for npm, by name.

    Raises UsageError for a file that cannot be read and for a package from outside of a registry.
    """
    manifest = _read(site / MANIFEST)
    lock = _read(site / LOCK)
    packages = lock.get("packages")
    if not isinstance(packages, dict):
        raise UsageError(
            f"{site / LOCK} has no `packages`: it is of npm 6 or older. Write it anew with npm 7 or"
            " newer (`npm install --package-lock-only`)."
        )
    _check_specs(site / MANIFEST, manifest, "the site")
    kept = {place: _entry(site / LOCK, place, entry) for place, entry in packages.items()}
    # The parts for npm 6 also contain addresses, and npm 7 and newer does not need them.
    cut = {key: lock[key] for key in _HEAD if key in lock} | {"packages": kept}
    texts = {MANIFEST: _cut(manifest), LOCK: cut}
    return {name: json.dumps(text, indent=2) for name, text in texts.items()}


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read as JSON: {error}.") from error
    if not isinstance(document, dict):
        raise UsageError(f"{file} must hold a JSON object.")
    return document


def _cut(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in _KEPT if key in document}


def _entry(file: Path, place: str, entry: object) -> dict[str, Any]:
    """Return an entry of the lock without its address.

    Raises UsageError if it is not a registry's.
    """
    if not isinstance(entry, dict):
        raise _refused(file, place or "the site", "is no object")
    _check_specs(file, entry, place or "the site")
    if not place:
        return _cut(entry)
    name, version = entry.get("name", ""), entry.get("version")
    if entry.get("link") or not _PLACE.fullmatch(place):
        raise _refused(file, place, "is a folder or a link")
    if entry.get("hasShrinkwrap"):
        raise _refused(file, place, "brings a lock of its own, which can name any address")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise _refused(file, place, f"has the version {version!r}, which no registry has")
    if not isinstance(name, str) or (name and not re.fullmatch(_NAME, name)):
        raise _refused(file, place, f"has the name {name!r}, which no registry has")
    integrity = entry.get("integrity")
    # A package that is bundled in another's tarball is verified with that tarball.
    bundled = entry.get("inBundle") is True and "/node_modules/" in place
    if not bundled and not (isinstance(integrity, str) and _INTEGRITY.fullmatch(integrity)):
        raise _refused(file, place, "has no integrity")
    return {key: value for key, value in entry.items() if key != "resolved"}


def _check_specs(file: Path, document: Mapping[str, Any], owner: str) -> None:
    """Raise UsageError for a dependency that names an address or a directory."""
    for name, spec in _specs(file, document, owner):
        if not isinstance(spec, str) or not _RANGE.fullmatch(spec) or _TARBALL.search(spec):
            raise _refused(file, f"{name} of {owner}", f"is {spec!r}, which no registry has")


def _specs(file: Path, document: Mapping[str, Any], owner: str) -> Iterator[tuple[str, object]]:
    for key in _LISTS:
        listed = document.get(key, {})
        if not isinstance(listed, dict):
            raise _refused(file, f"{key} of {owner}", "is no object")
        yield from listed.items()
    yield from _overrides(document.get("overrides", {}))


def _overrides(node: object, name: str = "overrides") -> Iterator[tuple[str, object]]:
    """Yield the versions in nested overrides; `$name` is the version of a direct dependency."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _overrides(value, key)
    elif not (isinstance(node, str) and re.fullmatch(rf"\${_NAME}", node)):
        yield name, node


def _refused(file: Path, what: str, why: str) -> UsageError:
    return UsageError(
        f"{file}: {what} {why}; packages come from the configured registry alone, each with its"
        f" integrity. Name a version of a registry's, and write {LOCK} anew with npm."
    )
