"""The HTTP servers that all of it runs in."""
