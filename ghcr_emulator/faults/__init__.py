"""Faults that requests can be given, and how each of them is played."""
