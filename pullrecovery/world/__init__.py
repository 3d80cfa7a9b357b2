"""The Protocols of what can be looked at; those that cannot write are apart."""
