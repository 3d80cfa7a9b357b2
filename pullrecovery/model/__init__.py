"""Frozen data classes for the target, for what is observed of it, and for verdicts."""
