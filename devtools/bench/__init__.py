"""Figures of the stand-in for ghcr.io, as ratios against what is behind it."""
