"""A plugin whose own requirement is not installed."""

import a_module_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401 - it must fail
