"""Write a CycloneDX document; a separate program, run with cyclonedx-python-lib on its path.

`python -m pullrecovery.lab.images.sbom_write` reads one JSON object from stdin (`name` and
`version` of the image, and `parts`, as `sbom.Component` has them). It prints the document, or the
schema's error on stderr.
"""

import json
import sys
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

_VERSION = SchemaVersion.V1_6


def document(asked: dict[str, Any]) -> str:
    """Return the document of an image; raises SystemExit if the schema rejects it."""
    root = Component(
        type=ComponentType.CONTAINER,
        name=asked["name"],
        version=asked["version"],
        bom_ref="image",
    )
    bom = Bom(components=[_component(part) for part in asked["parts"]])
    bom.metadata.component = root
    bom.metadata.tools.components.add(this_component())
    bom.register_dependency(root, bom.components)
    text: str = make_outputter(bom, OutputFormat.JSON, _VERSION).output_as_string(indent=1)
    wrong = JsonStrictValidator(_VERSION).validate_str(text)
    if wrong:
        raise SystemExit(f"the document does not follow CycloneDX {_VERSION}: {wrong}")
    return text


def _component(part: dict[str, Any]) -> Component:
    purl = PackageURL(
        part["kind"],
        part["namespace"] or None,
        part["name"],
        part["version"],
        dict(part["qualifiers"]) or None,
    )
    licences = [LicenseFactory().make_from_string(part["licence"])] if part["licence"] else []
    return Component(
        type=ComponentType.LIBRARY,
        name=part["name"],
        version=part["version"],
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=licences,
    )


if __name__ == "__main__":
    print(document(json.load(sys.stdin)))
