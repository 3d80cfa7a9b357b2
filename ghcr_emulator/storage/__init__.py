"""The storage of images: the emulator's own files, distribution, or a running registry."""
