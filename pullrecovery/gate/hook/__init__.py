"""The Argo CD hook: the verdict checked, and the judged image pulled, in the user's cluster."""
