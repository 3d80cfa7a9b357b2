"""Judging one commit in the lab."""
