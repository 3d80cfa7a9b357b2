"""Why a pod's image is not there: what the kubelet says, held against what the registry says.

The texts are containerd's and the kubelet's; docs/diagnosis.md lists which version says what.
"""
