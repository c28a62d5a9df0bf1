"""Run the sandbox with ``python -m octopost_sandbox``."""

import sys

from octopost_sandbox.cli import main

sys.exit(main())
