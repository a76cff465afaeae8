"""A plugin that ends the program."""

import sys

sys.exit("no licence found")
