"""The HTTP servers of the emulator."""
