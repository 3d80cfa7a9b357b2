"""The signed verdict: its document, its keys, its publication, and the promotion by it."""
