PYTHON ?= python3
VENV ?= .venv
SECONDS ?= 60
SEEDS ?= 5000
LEDGER ?= sqlite
BIN = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install demo up fast test lint bench hosts soak fuzz chaos simulate

help: ## Say what there is.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.runs: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[image]'
	touch $@

$(VENV)/.installed: $(VENV)/.runs
	$(BIN)/python -m pip install --quiet --editable '.[image,postgresql,s3,test]'
	# A client that the tests run against us; it asks for a newer Python than it needs.
	$(BIN)/python -m pip install --quiet --ignore-requires-python --no-deps et-engine-core==0.0.1
	touch $@

install: $(VENV)/.installed ## Make the virtual environment and install everything into it.

demo: $(VENV)/.runs ## Run the main job on the images that the project carries.
	$(BIN)/python examples/demo.py

up: $(VENV)/.runs ## Start the whole system, kept in var/.
	$(BIN)/jobengine up

bench: install ## Print the benchmarks.
	$(BIN)/python -m tests.bench.nuclei_quality
	$(BIN)/python -m tests.bench.throughput
	$(BIN)/python -m tests.bench.listing

chaos: install ## Kill processes of a real system at random: SECONDS=600 SEED=1 LEDGER=sqlite|postgresql.
	$(BIN)/python -m tests.faults.chaos --seconds $(SECONDS) --seed $(or $(SEED),1) --ledger $(LEDGER)

simulate: install ## Run the engine under a virtual clock: SEEDS=5000, or SEED=n once with its trace.
	$(BIN)/python -m tests.faults.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

fuzz: install ## Send generated requests to every operation of the native API: CASES=100 of each.
	JOBENGINE_TEST_EXAMPLES=$(or $(CASES),100) $(BIN)/python -m pytest tests/api/test_openapi.py -v -n 2 --dist load

soak: install ## Run TASKS=200000 tasks of several kinds through one system over HTTP and watch the memory of its processes.
	$(BIN)/python -m tests.faults.chaos.soak $(or $(TASKS),200000)

hosts: install ## Run a cluster on several hosts (network namespaces; root) and cut one off.
	$(BIN)/python -m tests.faults.several_hosts

lint: install ## Style, types and import rules.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fast: install ## Run the tests that take less than a minute together.
	$(BIN)/python -m pytest -n 2 -m 'not acceptance and not thorough'

test: lint ## Set up, lint, and run all tests.
	$(BIN)/python -m pytest -n 2 -m 'not acceptance'
	$(BIN)/python -m pytest -n 2 -m acceptance
