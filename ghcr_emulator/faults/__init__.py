"""The faults that requests and connections can meet, and their effects."""
