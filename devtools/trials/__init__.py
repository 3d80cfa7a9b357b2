"""Trials of the lab: kill runs at random moments, start from pulled images, and clean up.

They are not part of a run: they stop and break the lab repeatedly.
"""
