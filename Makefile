SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The project's own Python, Node.js and CDKTF CLI come before the machine's.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)

venv := .venv/.installed
node := node_modules/.installed

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(venv): requirements.txt
	python3 -m venv --clear .venv
	.venv/bin/pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(node): package-lock.json $(venv)
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

.PHONY: local local-down
local: $(venv) $(node) ## the whole pipeline on this machine: deploy it, run orders through it, show what came of them
	python -m tools.local_pipeline up

local-down: $(venv) ## stop the local cloud and remove what it left
	python -m tools.local_pipeline down

.PHONY: lock
lock: $(venv) ## renew the lock files from pyproject.toml and package.json
	uv pip compile --universal --generate-hashes --no-header --quiet --group dev --output-file requirements.txt pyproject.toml
	npm install --package-lock-only
