"""Names, routes, hosts and errors of the registry protocol."""
