"""What is told where nothing is to be mended."""

READ = "read the message; no known cause fits it"
