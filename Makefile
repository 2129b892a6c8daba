# The project's commands. `make` or `make help` lists them; each makes the environment it needs by itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := dsl backends grammar examples tests
SPECS := $(wildcard examples/*.msl examples/*/*.msl examples/*/*/*.msl tests/bench/specs/*.msl)

# pip never waits for an answer, and Python writes its output as it comes.
export PIP_NO_INPUT := 1
export PYTHONUNBUFFERED := 1
# TensorFlow's start-up messages are not about us.
export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-core test-frameworks check coverage mutants fuzz fuzz-bytes lint fmt bench docs golden clean

help:  ## List the commands
	@awk -F ':.*##' '/^[a-z-]+:.*##/ { printf "  make %-16s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(READY)  ## Create .venv with everything: MSL, PyTorch, TensorFlow and the test tools

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,torch,tensorflow,images]'
	@touch $@

demo: $(READY)  ## Train one spec in both frameworks on real digits and compare
	$(BIN)/python examples/demo.py

# Tests run side by side, one thread each.
WORKERS ?= auto
test test-core test-frameworks check: export OMP_NUM_THREADS := 1
test test-core test-frameworks check: export TF_NUM_INTRAOP_THREADS := 1
test test-core test-frameworks check: export TF_NUM_INTEROP_THREADS := 1

test: test-core test-frameworks  ## Run every test

test-core: $(READY)  ## Run the tests that need neither framework
	$(BIN)/python -m pytest -n $(WORKERS) --part core

test-frameworks: $(READY)  ## Run the tests that need PyTorch or TensorFlow
	$(BIN)/python -m pytest -n $(WORKERS) --part frameworks

check: lint  ## Lint, then run the fast tests
	$(BIN)/python -m pytest -n $(WORKERS) --part core -m 'not slow' -q

coverage: $(READY)  ## Measure which branches the tests without a framework take
	$(BIN)/python -m coverage run -m pytest --part core -q -p no:xdist
	$(BIN)/python -m coverage report --include='dsl/*' --fail-under=95

mutants: $(READY)  ## See whether tests notice damaged code: make mutants ARGS='dsl.cost.fold*'
	$(BIN)/python -m mutmut run $(ARGS)
	$(BIN)/python -m mutmut results

fuzz: $(READY)  ## Hold MSL to its laws on many random specs: make fuzz N=1000 SEED=1
	$(BIN)/msl fuzz --n $(or $(N),1000) --seed $(or $(SEED),1)
	MSL_FUZZ_N=$(or $(N),1000) MSL_FUZZ_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q tests/fuzz/test_frameworks.py

fuzz-bytes: $(READY)  ## Hold MSL to its laws on any bytes: make fuzz-bytes N=1000000 SEED=1 [GUIDED=1]
	$(if $(GUIDED),$(BIN)/python -m pip install --quiet --editable '.[fuzz]')
	$(BIN)/python -m tests.fuzz.byte_driver --n $(or $(N),100000) --seed $(or $(SEED),0) $(if $(GUIDED),--guided)

lint: $(READY)  ## Check the style of Python and MSL files
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/black --check --quiet $(SOURCES)
	$(BIN)/msl fmt --check $(SPECS)

fmt: $(READY)  ## Format Python and MSL files
	$(BIN)/ruff check --fix-only --quiet $(SOURCES)
	$(BIN)/black --quiet $(SOURCES)
	$(BIN)/msl fmt $(SPECS)

bench: $(READY)  ## Time the commands, and generated code against hand-written and tutorial code
	$(BIN)/python -m tests.bench.startup
	$(BIN)/python -m tests.bench.run $(ARGS)

docs: $(READY)  ## Rewrite the pages that are made from the registry
	$(BIN)/python -m grammar.docs

golden: $(READY)  ## Rewrite the expected outputs under tests/golden
	$(BIN)/python -m tests.golden --update

clean:  ## Remove what the commands made, but not .venv
	rm -rf build dist runs mutants .coverage .pytest_cache .ruff_cache .hypothesis
	find dsl backends grammar examples tests -name __pycache__ -type d -prune -exec rm -rf {} +
