"""The commands, one module for each: options, exit codes, and what is printed."""
