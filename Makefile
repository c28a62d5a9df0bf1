# Every target sets up what it needs, and only what is missing.
# PYTHON=/path/to/python3 chooses the interpreter (3.11 or newer); ARGS="..." goes to pytest.
.DEFAULT_GOAL := help
.PHONY: help setup demo lint types test test-all test-distributed image-test lint-workflows evidence bench bench-test docs package lock clean

BIN := .venv/bin
TOOLS := .venvs/tools/bin
# More than cores: the tests wait, for clocks and processes, more than they compute.
JOBS ?= 4
OTHER_AIRFLOWS := 2.11.2 3.1.8
SETUP := @python="$$(scripts/find-python)" && "$$python" scripts/environments.py

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  make %-17s %s\n' "$$name" "$$text"; done

setup: ## Set up .venv: the newest supported Airflow, this project, the tools of `make test`
	$(SETUP) dev

demo: setup ## Start a local Octopost, announce through Airflow and the action, show what went out
	@$(BIN)/python scripts/demo.py

lint: setup ## Lint, and check the format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup ## Check the types
	$(BIN)/mypy

test: lint types ## Lint, check the types, and run the tests on the newest Airflow
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-all: test $(OTHER_AIRFLOWS:%=test-airflow-%) ## `make test`, then the Airflow tests on every other supported Airflow

test-airflow-%:
	$(SETUP) airflow-$*
	.venvs/airflow-$*/bin/python -m pytest tests/airflow -n $(JOBS) --dist loadgroup $(ARGS)

test-distributed: setup ## Two Celery workers and two triggerers on Redis and PostgreSQL, some of them killed
	$(SETUP) distributed
	.venvs/distributed/bin/python -m pytest tests/airflow -m distributed -s $(ARGS)

image-test: setup ## Build the action's image and run it as a GitHub runner does
	$(BIN)/python -m pytest -m image $(ARGS)

lint-workflows: ## Check action.yml, the workflows, the Dockerfile and the scripts
	$(SETUP) tools
	scripts/lint-workflows

evidence: setup ## Kill, race and fault the publishing protocol in full, and write docs/evidence.md
	OCTOPOST_CI=1 OCTOPOST_EVIDENCE=docs/evidence.md $(BIN)/python -m pytest tests/core/test_model.py \
		tests/core/test_protocol_matrix.py tests/core/test_protocol_race.py tests/core/test_protocol_walk.py -n $(JOBS)

bench: setup ## Measure speed and cost beside peers into docs/performance.md; ARGS="row,row" or ARGS=--quick
	@$(BIN)/python scripts/bench.py $(ARGS)

bench-test: setup ## Run every benchmark with tiny counts, to see that it still works
	$(BIN)/python -m pytest -m bench $(ARGS)

docs: ## Build the documentation into site/, strictly
	$(SETUP) docs
	NO_MKDOCS_2_WARNING=1 .venvs/docs/bin/mkdocs build --strict

package: ## Build wheel and sdist into dist/, check them, try the wheel in clean environments
	$(SETUP) tools
	$(BIN)/python scripts/package.py

lock: setup ## Write every requirement file again; ARGS=--upgrade takes the newest versions
	$(BIN)/python scripts/lock.py $(ARGS)

clean: ## Remove everything that was built or set up
	rm -rf .venv .venvs .cache build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
