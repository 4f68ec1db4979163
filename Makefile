# Every command of the project. `make help` lists them.
# Only Python 3.11, make and a package index are needed for `demo` and `test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CORE_STAMP := $(VENV)/.installed-core
DEMO ?= demo
WORKBENCH ?= workbench
SCREENSHOTS ?=
POSTGRES_TESTS ?= tests/app
SPARK_TESTS ?= $(shell grep -rlE "mark\.spark|import SPARK" tests --include="test_*.py")
SPARK_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo workbench test test-spark test-wheel test-browser test-postgres environments check format bench docs lock clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(CORE_STAMP): requirements/core.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/core.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(CORE_STAMP) $@

$(VENV)/.installed-app: $(CORE_STAMP) requirements/app.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/app.txt
	@touch $@

$(VENV)/.installed-%: $(STAMP) requirements/%.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt
	@touch $@

install: $(CORE_STAMP)  ## Create .venv with the command `.venv/bin/openasm`

demo: $(CORE_STAMP)  ## Make a fictional practice and cohort, run the whole path, write a report
	$(BIN)/openasm demo --out $(DEMO)

workbench: $(VENV)/.installed-app  ## The workbench with a made-up practice, at http://127.0.0.1:8000/ until stopped
	$(BIN)/openasm serve --data $(WORKBENCH) --demo

test: $(STAMP)  ## All tests that need no Java, browser or server
	$(BIN)/python -m pytest -n 2 -m "not spark and not browser and not postgres"

test-spark: $(VENV)/.installed-spark  ## The engine tests on Spark (needs Java 17)
	$(BIN)/python -m pytest -m spark -n $(SPARK_WORKERS) --dist loadfile $(SPARK_TESTS)

test-browser: $(VENV)/.installed-browser  ## Journeys through the workbench in Chromium; SCREENSHOTS=docs/screenshots renews the pictures
	OPENASM_SCREENSHOTS=$(SCREENSHOTS) $(BIN)/python -m pytest -m browser tests/app/browser

test-postgres: $(VENV)/.installed-postgres  ## The workbench's tests on a private PostgreSQL server
	$(BIN)/python -m tests.app.postgres_server $(BIN)/python -m pytest -n 2 -m "not browser" $(POSTGRES_TESTS)

check: $(STAMP)  ## Format, lint, types, import contracts, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell openasm tests benchmarks docs *.md

format: $(STAMP)  ## Rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## The benchmarks; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

docs: $(VENV)/.installed-docs  ## Renew the generated pages of docs/reference; the documentation as a site in site/
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

test-wheel: $(STAMP)  ## Build the wheel; run it from a new environment with nothing of the repository beside it
	rm -rf dist && $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	  && $(PYTHON) -m venv "$$folder/environment" \
	  && "$$folder/environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/core.txt \
	  && "$$folder/environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps dist/*.whl \
	  && cd "$$folder" && environment/bin/openasm demo --size small --out demo && environment/bin/openasm explain demo/run --help > /dev/null \
	  && test -s demo/report.html && echo "The wheel works by itself."

environments: $(foreach extra,spark browser postgres,$(VENV)/.installed-$(extra))  ## What test-spark, test-browser and test-postgres add to .venv

lock: $(STAMP)  ## Renew the hash-locked requirements
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra build pyproject.toml -o requirements/core.txt
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra app --extra dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra app --extra build -c requirements/dev.txt pyproject.toml -o requirements/app.txt
	for extra in spark browser postgres docs; do $(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra app --extra dev --extra $$extra -c requirements/dev.txt pyproject.toml -o requirements/$$extra.txt; done

clean:  ## Remove what the targets made
	rm -rf $(VENV) $(DEMO) site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
