"""Write result.json, the machine-readable result of a run, and the summaries made from it."""
