"""The lab's client of the control API: it raises LabError and redacts tokens."""

from collections.abc import Collection
from datetime import datetime

from ghcr_emulator.client import (
    ControlClient,
    Level,
    PackageBody,
    PackageVisibility,
    PersonalToken,
    Token,
    WorkflowToken,
)
from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect


class Control(ControlClient):
    """The control API, with short methods for what scenarios change most."""

    error = LabError

    def put_token(self, name: str, token: Token) -> None:
        """Add or replace a token, which is redacted from now on."""
        protect(token.token)
        super().put_token(name, token)

    def put_credential(
        self,
        name: str,
        token: str,
        login: str,
        scopes: Collection[str],
        *,
        sso_authorised: Collection[str] = (),
        expires: datetime | None = None,
        expired: bool = False,
        revoked: bool = False,
    ) -> None:
        """Make `token` a classic personal access token."""
        body = PersonalToken(
            token=token,
            login=login,
            scopes=list(scopes),
            sso_authorised=list(sso_authorised),
            expires=expires,
            expired=expired,
            revoked=revoked,
        )
        self.put_token(name, body)

    def put_fine_grained(self, name: str, token: str, login: str) -> None:
        """Make `token` a fine-grained personal access token."""
        self.put_token(name, PersonalToken(kind="fine-grained", token=token, login=login))

    def put_run_token(
        self, name: str, token: str, repository: str, packages: str, *, expired: bool = False
    ) -> None:
        """Make `token` the GITHUB_TOKEN of a run in `repository`; `packages` is its permission."""
        level = Level(packages)
        body = WorkflowToken(token=token, repository=repository, packages=level, expired=expired)
        self.put_token(name, body)

    def share_package(
        self,
        repository: str,
        visibility: str,
        readers: Collection[str],
        writers: Collection[str],
        admins: Collection[str] = (),
    ) -> None:
        """Create the package `owner/name` or change who may use it."""
        body = PackageBody(
            visibility=PackageVisibility(visibility),
            readers=list(readers),
            writers=list(writers),
            admins=list(admins),
        )
        self.put_package(repository, body)
