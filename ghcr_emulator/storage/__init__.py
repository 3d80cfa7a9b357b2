"""Where images are stored: this package's own files, distribution, or a registry that runs."""
