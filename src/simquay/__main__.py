"""``python -m simquay``: the command ``simquay``, if its script is not on the path."""

import sys

from simquay.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
