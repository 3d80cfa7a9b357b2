"""Judge one commit in the lab."""
