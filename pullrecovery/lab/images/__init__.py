"""The images that the lab builds for itself."""
