"""Tables of what the kubelet's own modules answer, for the tests of the keyring and references."""
