"""result.json, the one machine-readable truth of a run, and what is made from it."""
