# Two commands are enough: `make run` shows Simquay at work, `make test` proves it. While you write
# code, `make check` is the quick half of `make test`.
# A machine needs GNU make and Python 3.10 or later with the venv module; the rest is
# installed into .venv. PYTHON=/path/to/python chooses another interpreter.

VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*/pyproject.toml)
PLUGIN_DIRS := $(patsubst %/pyproject.toml,%,$(PLUGINS))
PIP_OPTIONS := --disable-pip-version-check --quiet --quiet
PIP := $(BIN)/python -m pip $(PIP_OPTIONS)
EDITABLE_PLUGINS := $(foreach plugin,$(PLUGIN_DIRS),--editable "$(plugin)[test]")

CLIENTS := .venv-clients
OLDEST := .venv-oldest
OLDEST_PYTHON := python3.10

# Tests run in as many processes as there are CPUs, four at most. Tests that measure time are marked
# `serial` and run one after another in one of the processes.
PROCESSES := -n logical --maxprocesses 4
PYTEST := $(BIN)/python -m pytest $(PROCESSES)

# Nothing of the machine's own Python leaks in: no module path, user site or install prefix,
# no other virtual environment, and no options for the tools.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE PYTHONWARNINGS PYTHONOPTIMIZE
unexport PYTHONSAFEPATH VIRTUAL_ENV CONDA_PREFIX PIP_USER PIP_TARGET PIP_PREFIX PIP_CONSTRAINT
unexport PIP_REQUIREMENT PYTEST_ADDOPTS PYTEST_PLUGINS MYPYPATH RUFF_CONFIG
export PYTHONNOUSERSITE := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run check test test-all test-clients test-oldest lint types imports unit pytest pytest-all docs figures dist format clean

help:
	@echo "make run       install Simquay in .venv, run examples/ghz.qasm and show the counts"
	@echo "make check     style, types and imports, and the quick tests of tests/unit: all of it"
	@echo "               but the tests marked slow or serial; a minute and a half"
	@echo "make test      style, types and imports, and the tests; six minutes on two CPUs"
	@echo "make test-all  the same, with the tests marked long, which take minutes each"
	@echo "make test-clients  client libraries on Simquay's backends (tests/clients), in .venv-clients"
	@echo "make test-oldest  the tests with the oldest Python and libraries that Simquay allows, in"
	@echo "               .venv-oldest; OLDEST_PYTHON=/path/to/python3.10 says where that Python is"
	@echo "make docs      the documentation site, in build/site"
	@echo "make figures   the pictures of the documentation, from the dated reports"
	@echo "make dist      wheels and source distributions, checked, in dist"
	@echo "make format    let ruff put the code in order"
	@echo "make clean     remove .venv, caches and build output"

run: $(VENV)/.installed
	@$(BIN)/simquay run examples/ghz.qasm

check: lint types imports unit

test: lint types imports pytest

test-all: lint types imports pytest-all

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

# The tests of a plugin are no package, so that mypy takes one plugin at a time, and allows untyped
# fixtures by options, not by the name of the package.
types: $(VENV)/.installed-dev
	$(BIN)/mypy
	$(foreach plugin,$(PLUGIN_DIRS),$(call plugin_types,$(plugin)) &&) true

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

plugin_types = (cd $(1)/tests && MYPYPATH=support $(CURDIR)/$(BIN)/mypy \
  --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache/plugins \
  --explicit-package-bases --allow-untyped-defs --allow-incomplete-defs --allow-untyped-calls .)

unit: $(VENV)/.installed-dev
	$(PYTEST) -m "not (slow or serial or long or gpu)" tests/unit

pytest: $(VENV)/.installed-dev
	$(PYTEST) -m "not (long or gpu)"

pytest-all: $(VENV)/.installed-dev
	$(PYTEST) -m "not gpu"

# The libraries warn of much that is not ours.
test-clients: $(CLIENTS)/.installed
	$(CLIENTS)/bin/python -m pytest $(PROCESSES) -W default tests/clients

# Some methods of Qiskit 2.0 call others that are to be deprecated one day.
test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest $(PROCESSES) -W ignore::PendingDeprecationWarning \
	  -m "not (long or gpu)"

docs: $(VENV)/.installed-dev
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs . build/site
	@echo "The site begins at build/site/index.html"

figures: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.figures
	$(BIN)/python docs/screenshots.py

# Wheels are built from the source distributions, as an index's users get them.
dist: $(VENV)/.installed-dev
	@$(PIP) install --group release
	@rm -rf dist
	@for folder in . $(PLUGIN_DIRS); do \
	  $(BIN)/python -m build --outdir dist "$$folder" >/dev/null || exit 1; \
	done
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The first interpreter that is new enough and can make an environment with pip in it.
$(BIN)/python:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python3.10); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' \
	    2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version)"; \
	    exec "$$python" -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "make: Python 3.10 or later with the venv module was not found." \
	  "Install it (Debian, Ubuntu: apt install python3-venv), or say" \
	  "make PYTHON=/path/to/python3" >&2; exit 1

# The stamps make a second call instant. They depend on what says which packages are needed.
$(VENV)/.installed: pyproject.toml setup.py | $(BIN)/python
	@echo "Installing Simquay and what it needs (once, a minute or so)"
	@$(PIP) install --upgrade "pip>=25.1"
	@$(PIP) install --editable ".[cli]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed $(PLUGINS)
	@echo "Installing what the tests need$(if $(PLUGIN_DIRS), and $(PLUGIN_DIRS)) (once)"
	@$(PIP) install --editable ".[cli]" --group dev --group docs $(EDITABLE_PLUGINS)
	@touch $@

$(OLDEST)/.installed: tests/oldest.txt pyproject.toml setup.py $(PLUGINS)
	@echo "Installing the oldest versions that Simquay allows in $(OLDEST) (once)"
	@"$(OLDEST_PYTHON)" -m venv --clear $(OLDEST)
	@$(OLDEST)/bin/python -m pip $(PIP_OPTIONS) install --upgrade "pip>=25.1"
	@$(OLDEST)/bin/python -m pip $(PIP_OPTIONS) install --constraint tests/oldest.txt \
	  --editable ".[cli]" --group dev --group docs $(EDITABLE_PLUGINS)
	@touch $@

$(CLIENTS)/.installed: tests/clients/requirements.txt pyproject.toml setup.py $(PLUGINS) | $(BIN)/python
	@echo "Installing client libraries in $(CLIENTS) (once)"
	@$(BIN)/python -m venv --clear $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip $(PIP_OPTIONS) install --upgrade "pip>=25.1"
	@$(CLIENTS)/bin/python -m pip $(PIP_OPTIONS) install --requirement tests/clients/requirements.txt \
	  --editable . --editable plugins/simquay-numba
	@touch $@

clean:
	rm -rf $(VENV) $(OLDEST) $(CLIENTS) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./.git -prune -o \( -name '*.egg-info' -o -name __pycache__ \) -type d -print \
	  | xargs rm -rf
