"""Reading a cluster: Deployments, pods, Secrets, ServiceAccounts, events."""
