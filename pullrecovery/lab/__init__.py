"""The lab: a container engine, a kind cluster and a local ghcr.io."""
