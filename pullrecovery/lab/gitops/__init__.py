"""Argo CD in the lab, and its git server."""
