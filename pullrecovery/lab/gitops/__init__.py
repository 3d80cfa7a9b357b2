"""Argo CD in the lab, and the lab's git server."""
