# `make demo` and `make test` each work alone on a fresh machine: both make .venv first if it is missing or out of date.

# The first Python that runs (a name on the PATH may be a shim without a version behind it) and is new enough.
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	if $$name -c '$(SUITS)' >/dev/null 2>&1; then echo $$name; break; fi; done)

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PHOTOS := tests/workflows/test_real_photos.py

# Tests that prove that nothing needs TensorFlow run where it is absent.
JAX_VENV := .venv-jax
JAX_STAMP := $(JAX_VENV)/installed

.PHONY: install demo test test-slow test-fast-and-slow test-jax test-photos test-all bench check format clean

install: $(STAMP)

$(STAMP) $(JAX_STAMP): setup.cfg pyproject.toml
	@chosen="$(PYTHON)"; \
	if ! "$$chosen" -c '$(SUITS)' >/dev/null 2>&1; then \
		echo "Python 3.11, 3.12 or 3.13 is needed: install one, or name it by make PYTHON=..." >&2; exit 1; fi; \
	if ! "$$chosen" -c 'import venv, ensurepip' >/dev/null 2>&1; then \
		echo "$$chosen lacks venv or ensurepip: install them (on Debian: apt-get install python3-venv)." >&2; exit 1; fi; \
	if ! $(@D)/bin/python -m pip --version >/dev/null 2>&1; then "$$chosen" -m venv --clear $(@D); fi
	$(@D)/bin/python -m pip install --editable '.[$(EXTRA)]'
	@touch $@

$(STAMP): EXTRA := dev
$(JAX_STAMP): EXTRA := test-jax

demo: $(STAMP)
	$(BIN)/ensembler demo

test: $(STAMP)
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 -m "not slow"

# The demo, real trainings, every family of backbones, kills and full disks; but for whole trainings on real photos.
test-slow: $(STAMP)
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 -m slow --ignore $(PHOTOS)

# Both in one run, so that test files are collected once and made files are shared.
test-fast-and-slow: $(STAMP)
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --ignore $(PHOTOS)

# JAX without TensorFlow.
test-jax: $(JAX_STAMP)
	$(JAX_VENV)/bin/pytest --numprocesses auto --maxprocesses 4 tests/on_jax

# Whole trainings on real photos and weights, where they lie beside the checkout.
test-photos: $(STAMP)
	$(BIN)/pytest $(PHOTOS)

test-all: test-fast-and-slow test-jax test-photos

# Those that need neither photos of one's own nor a GPU: some eight minutes.
bench: $(STAMP)
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/heads.py --size "two classes"
	$(BIN)/python benchmarks/stack_scale.py
	rows=$$(mktemp -d) && $(BIN)/python benchmarks/rows.py --work $$rows; rm -rf $$rows
	$(BIN)/python benchmarks/augmentation.py

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What was fetched, trained and written (data/, submissions/) stays.
clean:
	rm -rf $(VENV) $(JAX_VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
