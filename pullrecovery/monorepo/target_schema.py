"""The models of target.yaml: its keys, their types, and the grammars of its names."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ghcr_emulator.documents.model import FromText, Model, wrong
from pullrecovery.model.target import Visibility
from pullrecovery.monorepo import target_names as names
from pullrecovery.monorepo.target_names import Name


def _named(name: Name, *, or_empty: bool = False) -> AfterValidator:
    def check(text: str) -> str:
        problem = "" if or_empty and not text else name.problem(text)
        if problem:
            raise wrong(problem)
        return text

    return AfterValidator(check)


def _check_schema(number: int) -> int:
    if number != 1:
        raise wrong("must be 1")
    return number


def _check_lower_case(text: str) -> str:
    if text != text.lower():
        raise wrong("must be lower case, as in image references")
    return text


def _check_not_empty(value: object) -> object:
    if not value:
        raise wrong("must not be empty")
    return value


NotEmpty = BeforeValidator(_check_not_empty)


class ImageEntry(Model):
    """The image that a workload runs."""

    called: ClassVar[str] = "image"
    repository: str
    tag: Annotated[str, NotEmpty]


class WorkloadEntry(Model):
    """A chart with values in a namespace."""

    called: ClassVar[str] = "workload"
    name: Annotated[str, _named(names.RELEASE)]
    chart: str
    values: list[str] = Field(default_factory=list)
    namespace: str
    image: ImageEntry
    pullSecretsKey: Annotated[str, _named(names.VALUES_KEY)]  # noqa: N815
    visibility: Annotated[Visibility, FromText] = Visibility.PRIVATE
    app: str
    application: Annotated[str | None, NotEmpty] = None


class WorkflowEntry(Model):
    """The workflow that publishes the images."""

    called: ClassVar[str] = "workflow"
    file: str
    repository: Annotated[str, _named(names.REPOSITORY)]
    branch: Annotated[str, _named(names.REF)]
    release: Annotated[str, _named(names.REF, or_empty=True)] = ""
    change: Annotated[str, NotEmpty]
    dispatch: bool = False


class DocsEntry(Model):
    """The docs site, its page on pulling, and the pages that may link to it."""

    called: ClassVar[str] = "docs"
    folder: str
    page: str
    referring: Annotated[list[str], NotEmpty]


class TargetDocument(Model):
    """The whole of target.yaml, schema 1."""

    called: ClassVar[str] = "target"
    schema_: Annotated[int, AfterValidator(_check_schema)] = Field(alias="schema")
    name: Annotated[str, _named(names.TARGET)]
    registry: Literal["ghcr.io"]
    owner: Annotated[str, AfterValidator(_check_lower_case), _named(names.OWNER)]
    login: Annotated[str, _named(names.LOGIN)]
    pullSecret: Annotated[str, _named(names.SECRET)]  # noqa: N815
    privilege: Literal["required", "optional"] = "optional"
    tokenPerNamespace: bool = False  # noqa: N815
    namespaces: list[Annotated[str, _named(names.NAMESPACE)]]
    workloads: Annotated[list[WorkloadEntry], NotEmpty]
    docs: Annotated[DocsEntry | None, NotEmpty] = None
    workflow: WorkflowEntry
