"""`python -m pullrecovery.gate`: the hook, and nothing loaded that raises a lab."""

import os
import sys

from pullrecovery.common.process import end_with_us
from pullrecovery.gate.hook.hook import run_hook

if __name__ == "__main__":
    end_with_us()
    sys.exit(run_hook(os.environ))
