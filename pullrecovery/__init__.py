"""Acceptance suite for recovering workloads from a failed image pull."""
