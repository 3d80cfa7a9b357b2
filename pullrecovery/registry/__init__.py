"""OCI and GHCR clients, the kubelet's keyring, and what failures of a registry mean."""
