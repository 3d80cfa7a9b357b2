"""The error of a storage that cannot be used."""


class StorageError(Exception):
    """A storage cannot be used, or ended; the message is one sentence that says why."""
