"""Entry point of the container: ``python -P -m github_action``."""

import os
import sys

from github_action.run import main

if __name__ == "__main__":
    sys.exit(main(os.environ))
