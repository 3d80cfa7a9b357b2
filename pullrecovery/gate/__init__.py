"""The gate: a verdict on one revision of the target, signed, and bound to what it was found on."""
