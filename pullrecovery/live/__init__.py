"""A user's own surroundings: nothing of it is changed unless that is asked for."""
