"""Diagnose why a pod cannot pull: compare the kubelet's messages with the registry's answers.

The messages are containerd's and the kubelet's; docs/diagnosis.md lists them by version.
"""
