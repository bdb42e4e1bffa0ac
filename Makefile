# Everything on a bare machine with Python 3.11 (venv and pip) and make; the environment lives in .venv.
PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/bin

.PHONY: demo test test-all lint help-texts constraints

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

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# After the tests passed with newer versions: write them down. The nvidia packages follow from torch's own pins.
constraints:
	$(BIN)/python -m pip freeze --exclude-editable | grep -v -i -E '^(nvidia|cuda|triton)' > constraints.txt
