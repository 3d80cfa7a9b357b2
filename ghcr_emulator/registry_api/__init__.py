"""The OCI distribution API, in front of a plain registry."""
