"""What is told where nothing is to be mended."""

WAIT = "wait for the registry, nothing is to be changed"
READ = "read the message; no known cause fits it"
