"""The extras and the description; pyproject.toml has everything else.

The extras that install a plugin of this repository take it from the checkout that Simquay is
installed from, by its path, which a static pyproject.toml cannot say. By its name alone, pip would
look for it on an index, where it is not published.

The description is the README, whose links to files of the repository an index's page cannot follow.
"""

import re
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
PLUGINS = ROOT / "plugins"
REPOSITORY = "https://github.com/simquay/simquay"


def plugin(name: str, extra: str = "") -> str:
    """The requirement of a plugin. A source distribution has none of them: then it is the name."""
    folder = PLUGINS / name
    return f"{name}{extra} @ {folder.as_uri()}" if folder.is_dir() else f"{name}{extra}"


EXTRAS = {
    "cli": ["click>=8.1", "rich>=13", "matplotlib>=3.8", "qiskit-qasm3-import>=0.6"],
    "dask": ["distributed>=2024.8"],
    "testing": ["pytest>=8.3"],  # simquay.testing, for those who write plugins
    "numba": [plugin("simquay-numba")],
    "aer": [plugin("simquay-aer")],
    "cuda12": [plugin("simquay-cupy", "[cuda12]")],
    "cuda13": [plugin("simquay-cupy", "[cuda13]")],
    # What runs on any machine; which of cuda12 and cuda13 is right depends on the driver.
    "all": ["simquay[aer,cli,dask,numba]"],
}


def description() -> str:
    """The README, with links that lead to the repository from anywhere."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"(src|srcset)=\"(?!https?:)", rf'\1="{REPOSITORY}/raw/main/', text)
    return re.sub(r"\]\((?!https?:|#)", f"]({REPOSITORY}/blob/main/", text)


if __name__ == "__main__":
    setup(
        extras_require=EXTRAS,
        long_description=description(),
        long_description_content_type="text/markdown",
    )
