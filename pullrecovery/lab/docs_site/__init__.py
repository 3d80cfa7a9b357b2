"""Build the target's docs site in a container, and read it in a browser."""
