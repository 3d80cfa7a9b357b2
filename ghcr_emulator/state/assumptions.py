"""What is not known of GHCR, or known both ways: one assumption each."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ghcr_emulator.documents.model import Model


class Assumptions(Model):
    """The assumptions, each with its default. Sources: docs/ghcr-emulator.md.

    | assumption | says |
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
