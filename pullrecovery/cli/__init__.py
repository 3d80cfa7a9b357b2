"""The command line: one module per command, with its options, exit codes and output."""
