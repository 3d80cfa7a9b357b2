"""Frozen nouns: the target, what was observed of it, and verdicts."""
