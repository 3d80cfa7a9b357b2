"""Tools of those who work on the project: benchmarks, conformance, trials of the lab."""
