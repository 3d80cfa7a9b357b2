"""The control API: what exists, and which faults are switched on."""
