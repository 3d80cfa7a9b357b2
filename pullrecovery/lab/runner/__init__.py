"""The runner: the container in which operators' commands and workflows run."""
