# What can be done here: `make help`. All that is needed is Python 3.11 or later and make.
PYTHON ?= python3
BIN := .venv/bin

# Without compiled bytecode every command would compile its imports anew, two to three times as slow.
unexport PYTHONDONTWRITEBYTECODE
# Scoring and small trainings are faster with one thread of OpenMP than with two that wait for each other by spinning.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test kernels lint types check lock page clean runtime dev

help: ## This list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

demo: runtime ## The whole loop on flats of Istanbul, told as it happens, in ./demo
	@$(BIN)/python scripts/demo.py

test: dev ## The tests, three at a time: those of the stacks wait more than they work
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

kernels: dev ## The unit tests under each kernel of OpenBLAS and each Python that is here
	@$(BIN)/python scripts/kernels.py

lint: dev ## Style, layout, and that imports point one way
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: dev ## Types, strictly
	@$(BIN)/mypy

check: lint types test ## All of these

lock: dev ## Bring locks/ in step with pyproject.toml; UPGRADE=1 takes the newest versions
	@$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

page: dev ## Write docs/cli.md and docs/configuration.md from the code, docs/documents into their pages, and the picture
	@$(BIN)/python scripts/cli_page.py
	@$(BIN)/python scripts/configuration_page.py
	@$(BIN)/python scripts/documents.py
	@$(BIN)/python scripts/pictures.py

clean: ## Take away what was made here: the environment, caches, the demo
	rm -rf .venv demo build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@$(PYTHON) scripts/environment.py runtime

dev:
	@$(PYTHON) scripts/environment.py dev
