# `make` explains itself. Everything runs in .venv, which .ci/set-up keeps equal to requirements-dev.lock.
.DEFAULT_GOAL := help
PYTHON_IN_VENV := .venv/bin/python
UV := .venv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: help run test lint format messages bench visits soak mutants lock clean set-up

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: set-up ## the whole shop on this machine, with play-money PSPs and a mailbox; Ctrl-C ends it
	@$(PYTHON_IN_VENV) -m tests.demo

test: lint ## everything: style, types, tests on a real PostgreSQL, journeys in a real Chromium
	@$(PYTHON_IN_VENV) -m tests.messages compile
	@$(PYTHON_IN_VENV) -m tests.chromium
	@$(PYTHON_IN_VENV) -m pytest -n auto --dist worksteal

lint: set-up ## style, types and import directions only
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m mypy
	.venv/bin/lint-imports
	find templates -name '*.html' -print0 | xargs -0 .venv/bin/djade --target-version 5.2 --check

format: set-up ## rewrite code and templates in the house's format
	$(PYTHON_IN_VENV) -m ruff format .
	$(PYTHON_IN_VENV) -m ruff check --fix .
	find templates -name '*.html' -print0 | xargs -0 .venv/bin/djade --target-version 5.2

messages: set-up ## collect texts into locale/, then compile the catalogues
	@$(PYTHON_IN_VENV) -m tests.messages update
	@$(PYTHON_IN_VENV) -m tests.messages compile

bench: set-up ## CPU time per webhook and per order, beside a floor measured in the same run
	@$(PYTHON_IN_VENV) -m tests.bench

visits: set-up ## what a first visit costs on a telephone, in Chromium; and Lighthouse where Node is there
	@$(PYTHON_IN_VENV) -m tests.bench.visits

mutants: set-up ## break the heart line by line and see which tests notice; goes on where it was stopped (SHARE=0.1 tries a tenth)
	@$(PYTHON_IN_VENV) -m tests.mutants --share $(or $(SHARE),1)

soak: set-up ## customers, faults and kills upon a whole shop, then its books beside the PSPs' (CHECKOUTS=200 SEED=…)
	@$(PYTHON_IN_VENV) -m tests.soak $(if $(CHECKOUTS),--checkouts $(CHECKOUTS)) $(if $(SEED),--seed $(SEED))

lock: set-up ## write the locks anew after a change in requirements*.txt
	$(COMPILE) --output-file requirements.lock requirements.txt > /dev/null
	$(COMPILE) --output-file requirements-s3.lock requirements-s3.txt > /dev/null
	$(COMPILE) --output-file requirements-dev.lock requirements-dev.txt > /dev/null

clean: ## forget everything local: .venv, database, pictures, caches
	@if [ -L .local/database ]; then rm -rf "$$(readlink .local/database)"; fi
	rm -rf .venv .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

set-up:
	@.ci/set-up
