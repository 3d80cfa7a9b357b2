"""Write docs/result.schema.json from the records of a run."""

import json
from typing import Any

from pullrecovery.common.errors import Exit
from pullrecovery.common.suite_files import SCHEMAS
from pullrecovery.report.records import result_schema

SCHEMA_FILE = SCHEMAS / "result.schema.json"


def schema_text() -> str:
    """Return the JSON Schema as it is written to docs/."""
    return json.dumps(_without_titles(result_schema()), indent=2) + "\n"


def write_schema() -> int:
    """Write docs/result.schema.json."""
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    return int(Exit.PASS)


def _without_titles(node: Any) -> Any:
    """Remove the titles, which repeat the names of keys and classes."""
    if isinstance(node, dict):
        kept = {key: child for key, child in node.items() if not _is_title(key, child)}
        return {key: _without_titles(child) for key, child in kept.items()}
    return [_without_titles(child) for child in node] if isinstance(node, list) else node


def _is_title(key: str, value: Any) -> bool:
    return key == "title" and isinstance(value, str)
