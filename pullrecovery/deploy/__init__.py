"""Deploy a chart into a cluster with Helm or Argo CD."""
