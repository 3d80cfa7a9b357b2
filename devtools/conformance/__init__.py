"""The OCI distribution-spec conformance suite, against the stand-in and what is behind it."""
