"""Protocols for observing a target; the read-only ones are separate."""
