# Everything on a bare machine with Python 3.11 (venv and pip) and make; the environment lives in .venv.
PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/bin

.PHONY: demo test test-all lint help-texts lock

demo: .venv/installed
	$(BIN)/python -m posture_classifier fit --config configs/demo.yaml

test: lint
	$(BIN)/python -m pytest

test-all: lint
	$(BIN)/python -m pytest -m ""

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# What `fit --help` prints; after an option or its docstring changed.
help-texts: .venv/installed
	$(BIN)/python -m posture_classifier.training.fit_help

# Every package in the version that the tests passed with, and only the bytes whose hashes were written down.
.venv/installed: pyproject.toml requirements.lock
	@echo "Installing into .venv: 6.3 GB on Linux, of which 3.2 GB are CUDA; docs/installation.md has the small one for CPUs."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# After the tests passed with newer versions: write down those that are installed, with the hashes of all their files, for
# every system and Python. What only other systems need is resolved anew.
lock:
	$(BIN)/python -m pip freeze --exclude-editable > .venv/tested.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --quiet --constraint .venv/tested.txt --output-file requirements.lock
