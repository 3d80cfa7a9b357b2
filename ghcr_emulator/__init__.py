"""A stand-in for ghcr.io: GHCR's protocol in front of a plain registry, and a port to steer it."""
