"""Benchmarks of the GHCR emulator, as ratios to the registry behind it, and of the recovery."""
