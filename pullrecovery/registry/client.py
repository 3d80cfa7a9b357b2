"""A registry client that authenticates like containerd: challenge, token, request.

Source: the distribution token specification; the answers of GHCR that the causes depend on are
listed in docs/ghcr-emulator.md.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import httpx

from pullrecovery.model.probe import Credential, Probe, RegistryFailure
from pullrecovery.registry.failures import failure_of_error
from pullrecovery.registry.media_types import ACCEPT_MANIFESTS

_AGENT = "pull-recovery"
# The page size to request; a registry may return smaller pages.
_PAGE = 1000
# The exceptions for an answer that is not JSON, or JSON of another form.
_UNREADABLE = (ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True)
class RegistryClient:
    """A client of one registry host; `http` decides which address that host name leads to."""

    host: str
    http: httpx.Client

    def tags(self, package: str, credential: Credential | None) -> Probe:
        """Whether `credential` may read `package`, whichever tags it has."""
        return self._ask("GET", package, f"/v2/{package}/tags/list", credential)

    def manifest(self, package: str, reference: str, credential: Credential | None) -> Probe:
        """Whether `reference` (a tag or digest) has a manifest, and its digest."""
        # GET, because the answer to a HEAD has no body that explains an error.
        return self._ask("GET", package, f"/v2/{package}/manifests/{reference}", credential)

    def login(self, credential: Credential) -> Probe:
        """Request what `docker login` requests: a token without a repository scope."""
        headers = self._headers({"Authorization": f"Basic {credential.auth}"})
        try:
            answer = self.http.get(
                self._url("/token"), params={"service": self.host}, headers=headers
            )
        except httpx.HTTPError as error:
            return _cut_off(error)
        return _probe("token", answer)

    def read(self, package: str, path: str, credential: Credential | None) -> tuple[Probe, str]:
        """The answer to GET `path`, which starts after the package's name, and its body.

        Blobs are on another host; httpx does not send the token there.
        """
        try:
            token = self.token(package, "pull", credential)
            if isinstance(token, Probe):
                return token, ""
            headers = {"Authorization": f"Bearer {token}", "Accept": ACCEPT_MANIFESTS}
            answer = self.http.get(
                self._url(f"/v2/{package}{path}"),
                headers=self._headers(headers),
                follow_redirects=True,
            )
        except httpx.HTTPError as error:
            return _cut_off(error), ""
        return _probe("registry", answer), answer.text

    def all_tags(
        self, package: str, credential: Credential | None
    ) -> tuple[Probe, tuple[str, ...]]:
        """Every tag, in the registry's order; the registry splits a long list into pages."""
        tags: dict[str, None] = {}
        while True:
            query = f"&last={quote(list(tags)[-1])}" if tags else ""
            probe, text = self.read(package, f"/tags/list?n={_PAGE}{query}", credential)
            if not probe.ok:
                return probe, ()
            try:
                page = [str(tag) for tag in json.loads(text)["tags"] or ()]
            except _UNREADABLE:
                return _unusable(f"no list of tags: {text[:200]}"), ()
            if set(page) <= tags.keys():
                return probe, tuple(tags)
            tags |= dict.fromkeys(page)

    def blobs(
        self, package: str, digests: Sequence[str], credential: Credential | None
    ) -> list[Probe]:
        """Whether each blob exists; a redirect to the blob's location also counts as status 200."""
        try:
            token = self.token(package, "pull", credential)
            if isinstance(token, Probe):
                return [token] * len(digests)
            headers = self._headers({"Authorization": f"Bearer {token}"})
            return [self._blob(package, digest, headers) for digest in digests]
        except httpx.HTTPError as error:
            return [Probe("network", 0, type(error).__name__, str(error))] * len(digests)

    def _blob(self, package: str, digest: str, headers: dict[str, str]) -> Probe:
        url = self._url(f"/v2/{package}/blobs/{digest}")
        probe = _probe("registry", self.http.head(url, headers=headers))
        return replace(probe, status=200) if probe.status == 307 else probe

    def platforms(
        self, package: str, digest: str, credential: Credential | None
    ) -> tuple[str, ...]:
        """The platforms that a manifest has images for, as os/arch; empty if not reported."""
        try:
            token = self.token(package, "pull", credential)
            if isinstance(token, Probe):
                return ()
            return self._platforms(package, digest, token)
        except (httpx.HTTPError, AttributeError, *_UNREADABLE):
            return ()

    def _platforms(self, package: str, digest: str, token: str) -> tuple[str, ...]:
        manifest = self._document(f"/v2/{package}/manifests/{digest}", token)
        if "manifests" in manifest:
            listed = [entry.get("platform") or {} for entry in manifest["manifests"]]
        else:
            place = f"/v2/{package}/blobs/{manifest['config']['digest']}"
            listed = [self._document(place, token)]
        named = (f"{platform.get('os')}/{platform.get('architecture')}" for platform in listed)
        # An index also lists attestations, which have no platform.
        return tuple(dict.fromkeys(name for name in named if "unknown" not in name))

    def _document(self, path: str, token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Accept": ACCEPT_MANIFESTS}
        # Blobs are on another host; httpx does not send the token there.
        answer = self.http.get(
            self._url(path), headers=self._headers(headers), follow_redirects=True
        )
        return dict(answer.raise_for_status().json())

    def _ask(self, method: str, package: str, path: str, credential: Credential | None) -> Probe:
        try:
            token = self.token(package, "pull", credential)
            if isinstance(token, Probe):
                return token
            headers = {"Authorization": f"Bearer {token}", "Accept": ACCEPT_MANIFESTS}
            answer = self.http.request(method, self._url(path), headers=self._headers(headers))
        except httpx.HTTPError as error:
            return _cut_off(error)
        return _probe("registry", answer)

    def token(self, package: str, actions: str, credential: Credential | None) -> str | Probe:
        """A bearer token for `package`, or the refusal; httpx.HTTPError without an answer."""
        headers = {}
        if credential:
            headers["Authorization"] = f"Basic {credential.auth}"
        query = {"service": self.host, "scope": f"repository:{package}:{actions}"}
        answer = self.http.get(self._url("/token"), params=query, headers=self._headers(headers))
        if answer.status_code != httpx.codes.OK:
            return _probe("token", answer)
        try:
            token = str(answer.json()["token"])
        except _UNREADABLE:
            token = ""
        # Another token cannot be sent in a header.
        if token.isascii() and token.isprintable() and token:
            return token
        return Probe("token", answer.status_code, "", answer.text[:200])

    def _url(self, path: str) -> str:
        return f"https://{self.host}{path}"

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"User-Agent": _AGENT, **headers}


def _cut_off(error: httpx.HTTPError) -> Probe:
    cut = failure_of_error(error)
    return Probe("network", 0, type(error).__name__, str(error), cut=cut)


def _unusable(message: str) -> Probe:
    """The probe of a request whose answer is not one of a registry, as from a proxy."""
    return Probe("network", 0, "", message, cut=RegistryFailure.SERVER_ERROR)


def _probe(stage: str, answer: httpx.Response) -> Probe:
    first = _first_error(answer) if answer.is_error else {}
    return Probe(
        stage,
        answer.status_code,
        str(first.get("code", "")),
        str(first.get("message", "")),
        answer.headers.get("docker-content-digest", ""),
    )


def _first_error(answer: httpx.Response) -> dict[str, Any]:
    """The first entry of an error body; registries also answer with HTML, or nothing."""
    try:
        errors = answer.json()["errors"]
        return dict(errors[0])
    except (*_UNREADABLE, IndexError):
        return {"message": answer.text[:200]}
