"""The kind cluster, and what is applied in it."""
