"""The kind cluster, and the objects that are applied in it."""
