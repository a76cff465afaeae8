"""``python -m simquay``: the command ``simquay``, if its script is not on the path."""

import sys

if __name__ == "__main__":
    # Python has put the current folder first, unless it is told not to. The script does not search
    # it either: it may hold modules and plugins of anybody.
    if not getattr(sys.flags, "safe_path", False):  # from Python 3.11 on
        del sys.path[0]

    from simquay.cli.main import main

    sys.exit(main())
