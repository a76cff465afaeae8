"""The settings of every test: hypothesis, the environment, and which tests share a process."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# Derandomised, so that a test that passes here passes in continuous integration. To search for new
# examples, set HYPOTHESIS_PROFILE=search, and write each one found down as a test of its own.
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
# Removed here, before any test module is imported; child processes inherit the clean environment.
for variable in [name for name in os.environ if name.startswith("SIMQUAY_")]:
    del os.environ[variable]

# A shell ignores Ctrl-C for processes in the background, and child processes inherit that. Tests
# that interrupt a child process would wait for it without end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# pytest-xdist sets COLUMNS in its workers; tables for a pipe would be wrapped at that width.
os.environ.pop("COLUMNS", None)

# Plots are files, never windows.
os.environ["MPLBACKEND"] = "Agg"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--soak SECONDS``: how long tests/contract/test_soak.py runs jobs."""
    parser.addoption("--soak", type=float, default=20.0, metavar="SECONDS")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Choose the tests that pytest-xdist runs in one and the same worker.

    Tests marked ``serial`` must not run beside one another. Tests that share a fixture which takes
    seconds to set up have a mark ``xdist_group`` in their file; for the pool of processes, which
    many files use, it is set here.

    Raises:
        pytest.UsageError: the name of a test holds the address of an object. Every worker would
            give it another name, and pytest-xdist then stops in some runs and not in others.
    """
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(
                f"the name of a test holds an object's address: {item.nodeid}. Give parametrize ids"
                " that are the same in every process."
            )
        if item.get_closest_marker("serial"):
            item.add_marker(pytest.mark.xdist_group("serial"), append=False)
        elif "processes" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("process pool"))


@pytest.fixture(autouse=True)
def _no_settings_left_behind() -> object:
    """Fail a test that sets a SIMQUAY_ variable without monkeypatch."""
    before = {name for name in os.environ if name.startswith("SIMQUAY_")}
    yield
    after = {name for name in os.environ if name.startswith("SIMQUAY_")}
    assert after <= before, f"the test left {sorted(after - before)} in the environment"
