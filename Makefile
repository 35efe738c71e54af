# Déclic. `make help` lists what there is; on a machine without make, read the command below each name.
PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
SHELL := /bin/sh
.DEFAULT_GOAL := help

.PHONY: help run test check fire reset shots schema

help: ## Say what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set everything up and start it (PORT=8001 DATA_DIR=var2 for a second one beside it)
	@$(PYTHON) run.py

test: .venv/dev ## All checks and all tests (CI=true: fails where there is no Chromium)
	@$(VENV_PYTHON) tools/run_tests.py

check: .venv/dev ## Format, lint, types, house rules: under a minute
	@$(VENV_PYTHON) tools/run_tests.py --check

fire: .venv/dev ## The kill test in full: 200 kills, the flawed build too, the sweep killed as well (half an hour)
	@FIRE_KILLS=$${FIRE_KILLS:-200} $(VENV_PYTHON) -m pytest -n 0 -s tests/fire tests/fire/full.py

reset: .venv/dev ## Forget all data of this instance (asks first)
	@$(VENV_PYTHON) tools/reset.py

shots: .venv/dev ## Screenshots of the key screens into var/shots (URL=… for an instance that runs)
	@$(VENV_PYTHON) tools/shots.py $(URL)

schema: .venv/dev ## Write tests/house/schema.txt anew after a migration
	@$(VENV_PYTHON) -m tests.house.schema

.PHONY: .venv/dev
.venv/dev:
	@$(PYTHON) run.py --dev --only-install
