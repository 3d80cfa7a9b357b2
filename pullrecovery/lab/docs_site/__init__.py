"""The target's docs site, built in a container and looked at by a browser."""
