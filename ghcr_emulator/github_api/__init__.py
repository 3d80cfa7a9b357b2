"""The part of GitHub's REST API that packages and workflows need."""
