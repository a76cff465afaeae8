"""A plugin whose own requirement is not installed."""

import a_module_that_nobody_has  # noqa: F401 - it fails, which is the point
