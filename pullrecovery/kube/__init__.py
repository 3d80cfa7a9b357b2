"""Read a cluster's Deployments, pods, Secrets, ServiceAccounts and events."""
