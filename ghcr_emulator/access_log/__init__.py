"""The access log: one entry for every request, with the caller and the answer."""
