"""The container engine: found or started, its network, and what runs in it."""
