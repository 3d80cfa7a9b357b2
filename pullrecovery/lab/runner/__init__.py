"""The container that operators and workflows work in."""
