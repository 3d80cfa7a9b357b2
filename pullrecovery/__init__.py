"""Acceptance suite for recovering workloads from a failed image pull."""

__version__ = "0.1.0"
