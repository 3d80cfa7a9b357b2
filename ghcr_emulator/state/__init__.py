"""The state of the emulator: accounts, packages, tokens, and the world file that it starts from."""
