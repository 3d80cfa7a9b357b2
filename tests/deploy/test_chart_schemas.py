"""Schemas of charts' values: Helm does not run where it would load a file or URL for one."""

import io
import json
import tarfile
from dataclasses import replace

import pytest

from pullrecovery.deploy.chart_schemas import RefusedChartError
from pullrecovery.deploy.helm import Helm
from tests.fakes.recorded import GOOD

_DRAFT = "http://json-schema.org/draft-07/schema#"
_SECRET = {"type": "string", "$ref": "file:///etc/shadow"}


@pytest.fixture(name="workload")
def _workload(tmp_path):
    """Return a workload whose chart is a directory with a template."""
    (tmp_path / "chart" / "templates").mkdir(parents=True)
    return replace(GOOD.workload, chart=tmp_path / "chart", values=())


@pytest.fixture(name="helm")
def _helm(tmp_path):
    """Return a Helm that prints one object, and writes the file `ran`."""
    program = tmp_path / "helm"
    program.write_text(f'#!/bin/sh\ntouch {tmp_path}/ran\necho \'{{"manifest": ""}}\'\n')
    program.chmod(0o755)
    return Helm(program, {})


def _archive(**files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _packed(schema):
    return _archive(**{"sub__values.schema.json": json.dumps(schema).encode()})


def _put(workload, name, content):
    file = workload.chart / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


OUTER = {
    "file": ("values.schema.json", {"$ref": "file:///etc/shadow"}),
    "request": ("values.schema.json", {"$ref": "http://169.254.169.254/latest"}),
    "relative": ("values.schema.json", {"$ref": "proc/self/environ"}),
    "within": ("values.schema.json", {"properties": {"a": {"items": [{"$ref": "x.json"}]}}}),
    "dynamic": ("values.schema.json", {"$dynamicRef": "file:///etc/shadow"}),
    "meta-schema": ("values.schema.json", {"$schema": "http://127.0.0.1:8080/schema"}),
    "dependency": ("charts/sub/values.schema.json", {"$ref": "file:///etc/shadow"}),
    "packed dependency": ("charts/sub-1.0.0.tgz", _packed(_SECRET)),
    "dependency of a dependency": (
        "charts/sub-1.0.0.tgz",
        _archive(**{"sub__charts__other.tgz": _packed(_SECRET)}),
    ),
    "nested too deep": ("values.schema.json", b"[" * 100_000),
    "number of 5,000 digits": ("values.schema.json", b'{"maximum": ' + b"9" * 5000 + b"}"),
    "broken archive": ("charts/sub-1.0.0.tgz", b"none"),
}


@pytest.mark.parametrize(("name", "content"), OUTER.values(), ids=OUTER)
@pytest.mark.parametrize("command", ["template", "upgrade"])
def test_external_schema_reference_is_refused(workload, helm, tmp_path, command, name, content):  # fmt: skip
    """The error names the file, and Helm is not started."""
    _put(workload, name, content)

    with pytest.raises(RefusedChartError, match=f"^chart/{name}"):
        getattr(helm, command)(workload)

    assert not (tmp_path / "ran").exists()


def test_linked_dependency_schema_is_checked(workload, helm):
    """Helm follows the link to the dependency, even in a circle."""
    _put(workload, "shared/values.schema.json", _SECRET)
    (workload.chart / "charts").mkdir()
    (workload.chart / "charts" / "sub").symlink_to("../shared")
    (workload.chart / "shared" / "circle").symlink_to("..")

    with pytest.raises(RefusedChartError, match=r"refers to 'file:///etc/shadow', which is not in"):
        helm.template(workload)


def test_large_archive_is_refused(workload, helm, monkeypatch):
    """Helm refuses a larger archive too, and the check does not fill memory."""
    monkeypatch.setattr("pullrecovery.deploy.chart_schemas._LONGEST", 10)
    _put(workload, "charts/sub-1.0.0.tgz", _packed({"type": "object"}))

    with pytest.raises(RefusedChartError, match="has more than 10 bytes"):
        helm.template(workload)


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": _DRAFT, "$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"},
        {"properties": {"$ref": {"type": "string"}}},
    ],
)
def test_schema_that_stands_alone_is_kept(workload, helm, tmp_path, schema):
    """A schema may have inner references, a known draft, and a value named $ref."""
    _put(workload, "values.schema.json", schema)
    _put(workload, "charts/sub-1.0.0.tgz", _packed(schema))

    helm.template(workload)

    assert (tmp_path / "ran").exists()
