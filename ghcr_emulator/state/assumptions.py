"""Assumptions: behaviours that are not known of GHCR, or reported both ways."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ghcr_emulator.documents.model import Model


class Assumptions(Model):
    """The assumptions, each with its default. Sources: docs/ghcr-emulator.md.

    | assumption | meaning |
    |---|---|
    | token_private | status of an anonymous request to /token for a private package |
    | token_missing | status of an anonymous request to /token for a package that does not exist |
    | token_scopeless | status of /token for a valid classic token without a scope of packages |
    | missing_package | code of the 404 for a missing package and an authenticated caller |
    | write_reads | whether `write:packages` without `read:packages` reads |
    | sso_pull | answer to a pull with a token that SSO was not granted to |
    | catalog | answer of `/v2/_catalog` to an authenticated caller: the public packages, or 403 |
    | catalog_anonymous | status of `/v2/_catalog` for an anonymous caller |
    | blobs | whether the emulator redirects to GitHub's storage of blobs, or serves a blob itself |
    | referrers | whether the referrers API answers 404 at once, or by redirect to github.com |
    | any_bearer | whether any base64 text is a bearer for public packages |
    | bearer_seconds | lifetime of a bearer token in seconds; 0 is as long as its credential |
    """

    called: ClassVar[str] = "set of assumptions"
    token_private: Literal[401, 403] = 401
    token_missing: Literal[403, 401] = 403
    token_scopeless: Literal[200, 403] = 200
    missing_package: Literal["NAME_UNKNOWN", "MANIFEST_UNKNOWN"] = "NAME_UNKNOWN"
    write_reads: bool = True
    sso_pull: Literal["saml", "read_package"] = "saml"
    catalog: Literal["public", "denied"] = "public"
    catalog_anonymous: Literal[401, 403] = 401
    blobs: Literal["redirect", "inline"] = "redirect"
    referrers: Literal["missing", "redirect"] = "missing"
    any_bearer: bool = True
    bearer_seconds: Annotated[int, Field(ge=0, le=10**9)] = 0
