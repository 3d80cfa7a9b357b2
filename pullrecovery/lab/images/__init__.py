"""The images that the lab builds."""
