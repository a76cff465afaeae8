"""Sphinx's configuration of the documentation site, which `make docs` builds.

The source folder is the root of the repository, so that pages link to each other and to files by
the paths that they have there, on the site as in a checkout.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from typing import Any

project = "Simquay"
author = "The Simquay developers"
copyright = "The Simquay developers"
version = release = importlib.metadata.version("simquay")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]

root_doc = "docs/index"
include_patterns = [
    *("docs/**.md", "benchmarks/README.md", "benchmarks/reports/*.md"),
    *("plugins/README.md", "plugins/*/README.md", "templates/README.md"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md"),
]
exclude_patterns = [".*", "build", "dist", "**/.*", "src", "tests", "plugins/*/src"]

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_typehints = "signature"
autodoc_type_aliases = {  # shown by these names, instead of as the unions that they are
    name: name
    for name in ("ArrayLike", "EstimatorPubLike", "ObservablesArrayLike", "SamplerPubLike")
}
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "Simquay"
html_show_sourcelink = False
html_domain_indices = False
html_extra_path = ["site"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True


def escaped_bars(
    app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]
) -> None:
    """Escape the bars of ``|0>`` and the like in docstrings, literals aside: to docutils they are
    substitutions."""
    for number, line in enumerate(lines):
        parts = re.split(r"(``.*?``)", line)
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[number] = "".join(parts)


def copy_figures(app: Any, failure: Exception | None) -> None:
    """Copy the pictures that the README shows by HTML, which chooses between light and dark."""
    if failure is None:
        shutil.copytree(app.confdir / "figures", app.outdir / "docs/figures", dirs_exist_ok=True)


def setup(app: Any) -> None:
    app.connect("build-finished", copy_figures)
    app.connect("autodoc-process-docstring", escaped_bars)
