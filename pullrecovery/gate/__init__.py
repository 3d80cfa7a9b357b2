"""The promotion gate: a signed verdict on one revision of a target, bound to what was judged."""
