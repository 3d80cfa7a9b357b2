"""The GHCR emulator: the protocol of ghcr.io in front of a plain registry, and a control API."""
