"""The target's files: target.yaml, values, workflow, docs page; errors name file and line."""
