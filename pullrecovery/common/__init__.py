"""What every package may use: errors, processes, waiting, redaction. It imports nothing of ours."""
