"""The signed verdict: its form, its keys, where it is published, what it promotes."""
