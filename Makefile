# Every task of this repository. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UNITS := shared services/audit-api services/rca-api services/reporting-api deploy/embedded
SOURCES := shared/src services/audit-api/src services/rca-api/src services/reporting-api/src deploy/embedded/src
LOCAL := tallystick audit-api rca-api reporting-api tallystick-embedded
TESTS ?= tests
WHOLE := tests/system tests/deploy/test_stack.py
OPENAPI := tests/system/test_openapi.py
ARGS ?=

.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE # or every worker and every service that it starts would compile the sources anew
.PHONY: help demo up test system openapi check lint types contracts docs fix lock bench simulate acceptance kill clean

##@ Run it
demo: $(VENV)/run.stamp ## Start everything with a sample programme; Ctrl-C stops it and keeps nothing
	@$(BIN)/tallystick demo $(ARGS)

up: $(VENV)/run.stamp ## Start everything and keep its data in ./data
	@$(BIN)/tallystick up $(ARGS)

##@ Work on it
test: $(VENV)/dev.stamp ## Run the tests, but for those of `make system`; TESTS=tests/audit_api narrows them, ARGS adds pytest options
	@$(BIN)/pytest -n 2 $(if $(filter tests,$(TESTS)),$(WHOLE:%=--ignore %),--ignore $(OPENAPI)) $(TESTS) $(ARGS)

system: $(VENV)/dev.stamp ## Run the tests that start the whole product: behind its gateway, in a browser, killed
	@$(BIN)/pytest -n 2 --ignore $(OPENAPI) $(WHOLE) $(ARGS)

openapi: $(VENV)/dev.stamp ## Schemathesis on all three OpenAPI documents, with all its checks, through the gateway
	@$(BIN)/pytest $(OPENAPI) $(ARGS)

check: lint types contracts docs ## All that is checked without running the product: lint, types, contracts, docs, migrations

lint: $(VENV)/dev.stamp ## Ruff: lint and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp ## Mypy, strict, over sources and tests
	@$(BIN)/mypy $(SOURCES) tests

contracts: $(VENV)/dev.stamp ## Import contracts: who may know whom
	@$(BIN)/lint-imports

docs: $(VENV)/dev.stamp ## Tests of the documentation and of the migrations
	@$(BIN)/pytest -q tests/docs tests/shared/service/test_migrations.py

fix: $(VENV)/dev.stamp ## Mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

##@ Measure and prove it
bench: $(VENV)/dev.stamp ## Measure the product beside its references, interleaved; BENCH=ingest narrows it
	@$(BIN)/python tests/bench $(BENCH)

simulate: $(VENV)/dev.stamp ## Simulate how often the statistics are right, with fixed seeds; ARGS='--programmes 100' takes fewer
	@OMP_NUM_THREADS=1 $(BIN)/python tests/simulations $(ARGS)

kill: $(VENV)/dev.stamp ## Kill services and PostgreSQL at random while audits are pushed, work falls due and items are claimed, and compare
	@$(BIN)/python tests/kills $(ARGS)

acceptance: $(VENV)/dev.stamp ## Run the acceptance on a BPO's export: DATA=/path/to/folder
	@DATA="$(DATA)" $(BIN)/pytest -q tests/acceptance $(ARGS)

##@ Keep it
lock: ## Pin all dependencies anew, with hashes (needs uv)
	@for name in run dev; do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
			--no-annotate --no-header $(foreach unit,$(LOCAL),--no-emit-package $(unit)) \
			requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

clean: ## Remove the virtual environment and what tools left behind
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/output

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Third-party packages come pinned and hashed; the local units follow without looking anything up.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Tallystick needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt $(UNITS:%=%/pyproject.toml) | $(VENV)/bin/python
	@echo 'Installing what Tallystick runs on (once) …'
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(UNITS:%=-e ./%)
	@$(BIN)/reporting-api pack >/dev/null
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo 'Installing what Tallystick is developed with (once) …'
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@touch $@
