"""The world in a box: an engine, a kind cluster and a private ghcr.io."""
