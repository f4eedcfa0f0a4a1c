SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3

# The project's own Python, Node.js and CDKTF CLI come before the machine's.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# Without bytecode every start of Python would compile its imports anew.
export PYTHONDONTWRITEBYTECODE :=
export CHECKPOINT_DISABLE := 1

venv := .venv/.installed
node := node_modules/.installed

.PHONY: help
help: ## this list
	@grep -hE '^[a-z -]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z -]+):.*## /\1\t/' | expand -t 24

$(venv): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or later is needed, $(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv --clear .venv
	.venv/bin/pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(node): package-lock.json $(venv)
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: terraform
terraform: $(venv)
	@python -m tools.prerequisites

.PHONY: local local-down
local: $(venv) $(node) ## run the whole pipeline on this machine and show what it does
	@python -m tools.local_pipeline up

local-down: $(venv) ## stop what make local started and remove what it left
	@python -m tools.local_pipeline down

.PHONY: check test snapshots
check: $(venv) $(node) ## lint, types, unit and snapshot tests: the fast part of make test
	ruff check --quiet
	ruff format --check --quiet
	mypy
	biome ci --log-level=warn
	tsc --project tsconfig.json
	node --test tests/order-processor/*.test.mjs
	pytest --quiet -m "not slow"

test: check ## everything that CI runs, with the deployment to a local cloud
	pytest --quiet -m slow

snapshots: $(venv) ## accept the synthesized JSON as it is now
	pytest --quiet tests/test_snapshots.py --snapshot-update

.PHONY: synth bootstrap deploy diff destroy
synth: $(venv) ## Terraform JSON into cdktf.out/
	python main.py

bootstrap: terraform $(node) ## create the bucket that holds the state, once per account
	cdktf deploy --app "python bootstrap.py"

deploy diff destroy: terraform $(node) ## cdktf deploy, cdktf diff, cdktf destroy for this environment
	cdktf $@

.PHONY: redrive reconcile
redrive: $(venv) ## replay the batches that Lambda gave up on; ARGS=--list, --dry-run, --help
	@python -m tools.redrive $(ARGS)

reconcile: $(venv) ## prove that every order has its audit record; ARGS=--repair, --json, --help
	@python -m tools.reconcile $(ARGS)

.PHONY: bench
bench: $(venv) $(node) ## measure synth, the function and reconcile against their alternatives
	python -m tools.bench_synth
	node tools/bench_handler.mjs
	python -m tools.bench_reconcile

.PHONY: lock
lock: $(venv) ## renew the lock files from pyproject.toml and package.json
	uv pip compile --universal --generate-hashes --no-header --quiet --group dev --output-file requirements.txt pyproject.toml
	npm install --package-lock-only
