"""The Argo CD PreSync hook: it checks the verdict and pulls the judged image in the cluster."""
