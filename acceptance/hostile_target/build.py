"""A command of a judged Dockerfile that attempts forbidden actions, and fails the build."""

import os
import socket
import sys
from pathlib import Path

print(dict(os.environ))
found = [
    name for name, value in os.environ.items() if "canary+" in value or "proxy" in name.lower()
]
print(f"tried environment: {found or 'none'}")
try:
    socket.create_connection(("169.254.169.254", 80), timeout=10)
    print("tried metadata: reached")
except OSError as error:
    print(f"tried metadata: {error.strerror}")
print(f"tried interfaces: {' '.join(each.name for each in Path('/sys/class/net').iterdir())}")
readable = [path for path in Path("/files").read_text().split() if os.access(path, os.R_OK)]
print(f"tried files: {readable or 'none'}", flush=True)
sys.exit(1)
