"""Run the OCI distribution-spec conformance suite on the emulator and the storages behind it."""
