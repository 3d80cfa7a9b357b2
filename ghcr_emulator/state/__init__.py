"""What exists: accounts, packages, tokens, and the file that they begin from."""
