"""Entry point of the container: ``python -P -m github_action``."""

import os
import sys

from github_action.run import main

if __name__ == "__main__":
    code = main(os.environ)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking down the interpreter with all that it has loaded would be a seventh of the whole run
