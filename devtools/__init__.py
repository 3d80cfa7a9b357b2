"""Tools for developers of this project: benchmarks, conformance, and trials of the lab."""
