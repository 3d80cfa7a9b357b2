"""Errors, processes, waiting and redaction for every package; imports no other package."""
