# Everything a person must remember: make demo, make test, make check. `make` alone lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long check contracts bench release clean
MAKEFLAGS += --no-print-directory

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.locked
CODE  := brain streams geo models bench
NAME  ?=
SEED  ?=
DATA  ?=
ARGS  ?=

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with the locked packages, and the page (each skipped while nothing changed)
	@tools/kernels
	@tools/page $(BIN)/python

$(STAMP): requirements-dev.lock pyproject.toml tools/setup
	@tools/setup $(VENV)
	@touch $@

demo: setup  ## Kafka, worker and recorded data on this machine; incidents as they come (ARGS= for `brain demo`)
	@$(BIN)/brain demo $(ARGS)

test: setup  ## all tests but the long ones: the fast first, then those on a real Kafka (ARGS= for pytest)
	@BIN=$(BIN) tools/test $(ARGS)

test-long: setup  ## the tests that take minutes
	@bad=0; $(BIN)/python -m pytest -m long -rs $(ARGS) || bad=$$?; \
	if [ $$bad -eq 5 ]; then echo "test-long: no test is marked long: nothing to run, which is no failure"; bad=0; fi; \
	exit $$bad

check: setup  ## lint, format, types, import contracts, published contracts: all five, also when one fails
	@bad=0; \
	echo "ruff check";       $(BIN)/ruff check . || bad=1; \
	echo "ruff format";      $(BIN)/ruff format --check . || bad=1; \
	echo "mypy --strict";    $(BIN)/mypy --strict $(CODE) || bad=1; \
	echo "import contracts"; PYTHONPATH=. $(BIN)/lint-imports --no-logo --cache-dir .import_linter_cache || bad=1; \
	echo "published contracts"; $(BIN)/python -m brain contracts check || bad=1; \
	exit $$bad

contracts: setup  ## write docs/contracts anew: JSON Schemas and the AsyncAPI document, from the types
	@$(BIN)/python -m brain contracts write

bench: setup  ## one benchmark: NAME=engine SEED=7 DATA=path; without NAME the list
	@$(BIN)/python -m bench $(NAME) $(if $(SEED),--seed $(SEED)) $(if $(DATA),--data $(DATA))

release: setup  ## dist/: wheel, SBOM, audit of the locked packages, checksums (tools/release --help)
	@BIN=$(BIN) tools/release $(ARGS)

clean:  ## remove what was made here: .venv, caches, run-time data
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .brain
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
