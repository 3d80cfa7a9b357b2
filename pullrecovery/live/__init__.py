"""The live world: a user's cluster and registry, which a run only reads."""
