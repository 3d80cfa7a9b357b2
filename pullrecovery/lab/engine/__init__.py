"""The container engine: how it is found or started, its network, and its containers."""
