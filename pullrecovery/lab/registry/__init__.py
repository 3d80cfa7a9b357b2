"""The GHCR emulator as a container of the lab, and the client of its control API."""
