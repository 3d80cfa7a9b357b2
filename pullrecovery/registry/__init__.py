"""Clients for OCI registries and GHCR, the kubelet's keyring, and registry failures."""
