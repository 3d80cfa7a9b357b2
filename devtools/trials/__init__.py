"""Trials of the lab itself: killed at random moments, raised by the other path, and cleaned away.

Not part of a run: they take the lab down and break it, again and again.
"""
