"""What every test runs under: the same hypothesis examples everywhere, and a clean environment."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# Derandomised, so that a test that passed here passes in continuous integration: a new example is
# found by `HYPOTHESIS_PROFILE=search`, on purpose, and then written down as a test of its own.
settings.register_profile(
    "simquay",
    derandomize=True,
    deadline=None,  # the first example pays for imports, and CI machines stall
    max_examples=50,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "search",
    parent=settings.get_profile("simquay"),
    derandomize=False,
    max_examples=1000,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "simquay"))

# A developer's own settings (SIMQUAY_BACKEND and the like) must not change what a test sees.
# Removed here, before any test module is imported; child processes inherit the clean state.
for variable in [name for name in os.environ if name.startswith("SIMQUAY_")]:
    del os.environ[variable]

# A shell starts what runs in the background with Ctrl-C ignored, and child processes inherit that:
# the tests that interrupt a child would wait for it for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# pytest-xdist sets it in its workers; tables for a pipe would be wrapped at that width.
os.environ.pop("COLUMNS", None)

# Plots are files, never windows.
os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture(autouse=True)
def _no_settings_left_behind() -> object:
    """A test that sets a SIMQUAY_ variable without monkeypatch fails itself, not its neighbour."""
    before = {name for name in os.environ if name.startswith("SIMQUAY_")}
    yield
    after = {name for name in os.environ if name.startswith("SIMQUAY_")}
    assert after <= before, f"the test left {sorted(after - before)} in the environment"
