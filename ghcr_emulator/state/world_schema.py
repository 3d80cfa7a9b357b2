"""The models of the world file, some of which the control API shares."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from ghcr_emulator.documents.model import EmptyIfNone, FromText, Model, Text, Time, wrong
from ghcr_emulator.state.accounts import Kind, Level, PackageVisibility
from ghcr_emulator.state.assumptions import Assumptions


class TokenState(Model):
    """The state of any token: expired, or revoked."""

    called: ClassVar[str] = "token"
    tagged: ClassVar[bool] = True
    expired: bool = False
    revoked: bool = False


class Personal(TokenState):
    """A user's token, classic or fine-grained.

    `scopes` are a classic token's, `sso_authorised` the organisations with SSO that it was granted
    to, and `expires` is when it ends, if ever.
    """

    kind: Literal["classic", "fine-grained"] = "classic"
    login: Text
    scopes: list[Text] = Field(default_factory=list)
    sso_authorised: list[Text] = Field(default_factory=list)
    expires: Time | None = None

    @field_validator("scopes")
    @classmethod
    def _check_that_it_is_classic(cls, scopes: list[str], info: ValidationInfo) -> list[str]:
        if scopes and info.data.get("kind") == "fine-grained":
            raise wrong("are nothing that a fine-grained token has")
        return scopes


class Run(TokenState):
    """The GITHUB_TOKEN of a workflow run, with its level of `packages`."""

    kind: Literal["workflow"] = "workflow"
    repository: Text
    packages: Annotated[Level, FromText]


class PackageBody(Model):
    """A package: its visibility, and its readers, writers and admins besides its owner."""

    called: ClassVar[str] = "package"
    visibility: Annotated[PackageVisibility, FromText]
    readers: list[Text] = Field(default_factory=list)
    writers: list[Text] = Field(default_factory=list)
    admins: list[Text] = Field(default_factory=list)


class UserEntry(Model):
    """A user, and the principals that may create packages under the user."""

    called: ClassVar[str] = "user"
    creators: list[Text] = Field(default_factory=list)


class OrganisationRules(Model):
    """The properties of an organisation besides its login."""

    called: ClassVar[str] = "organisation"
    sso_enforced: bool = False
    classic_tokens_forbidden: bool = False
    members: list[Text] = Field(default_factory=list)
    teams: Annotated[dict[Text, list[Text]], EmptyIfNone] = Field(default_factory=dict)
    creators: list[Text] = Field(default_factory=list)


class _Given(Model):
    """A token in the file itself, or the path of a file that holds it."""

    token: Text | None = Field(default=None, repr=False)
    token_file: Text | None = None


class PersonalEntry(_Given, Personal):
    """A user's token in the world file."""


class RunEntry(_Given, Run):
    """A workflow run's token in the world file."""


def _kind_of(token: Any) -> str | None:
    kind = token.get("kind", Kind.CLASSIC) if isinstance(token, dict) else Kind.CLASSIC
    if not isinstance(kind, str) or kind not in set(Kind):
        return None
    return RUN if kind == Kind.WORKFLOW else PERSONAL


# The kind of a token selects the model that it is read as.
PERSONAL: Final = "personal"
RUN: Final = "run"
ByKind: Final = Discriminator(
    _kind_of,
    custom_error_type="wrong",
    custom_error_message="{sentence}",
    custom_error_context={"sentence": f"must have a 'kind' of {', '.join(Kind)}"},
)


class WorldDocument(Model):
    """The world file; README.md, The world file, has an example."""

    called: ClassVar[str] = "world"
    users: Annotated[dict[Text, Annotated[UserEntry, EmptyIfNone]], EmptyIfNone] = Field(
        default_factory=dict
    )
    organisations: Annotated[dict[Text, Annotated[OrganisationRules, EmptyIfNone]], EmptyIfNone] = (
        Field(default_factory=dict)
    )
    repositories: list[Text] = Field(default_factory=list)
    packages: dict[Text, PackageBody] = Field(default_factory=dict)
    tokens: dict[
        Text,
        Annotated[
            Annotated[PersonalEntry, Tag(PERSONAL)] | Annotated[RunEntry, Tag(RUN)],
            ByKind,
        ],
    ] = Field(default_factory=dict)
    assumptions: Assumptions | None = None
