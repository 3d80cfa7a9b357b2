"""`python -m pullrecovery.gate`: the hook, and nothing loaded that raises a lab."""

import os
import sys

from pullrecovery.gate.hook import run_hook
from pullrecovery.process import end_with_us

if __name__ == "__main__":
    end_with_us()
    sys.exit(run_hook(os.environ))
