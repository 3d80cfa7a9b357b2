"""What goes wrong with a storage before it serves."""


class StorageError(Exception):
    """One sentence on why a storage cannot be used, or why it ended."""
