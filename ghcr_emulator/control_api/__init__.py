"""The control API: accounts, packages, tokens and workflows, and fault switches."""
