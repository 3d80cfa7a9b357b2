"""Ways to bring a chart into a cluster."""
