"""JSON and YAML documents, checked against pydantic models, with errors that name key and line."""
