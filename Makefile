# dashlight. `make` takes a simulated drive from a dashcam to the live map; `make help` lists the rest.
#
# Needs Python >= 3.11 (with venv), make and npm. Everything else goes into .venv, .vendor-cache and node_modules
# here. What is set up already is not set up again.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := demo
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TRACED := tests/unit tests/property tests/golden
VENDOR_TOOLS := $(wildcard tools/vendor*) tools/convert_nanodet.py tools/patch_centerface.py tools/prepare_basemap.py

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo
demo: $(DONE)/runtime $(DONE)/vendor ## take a drive through everything and open the map; RECORDINGS=path for your own
	$(BIN)/dashlight demo $(if $(RECORDINGS),--recordings "$(RECORDINGS)") $(ARGS)

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' Makefile | sort | awk -F'\t' '{printf "make %-13s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(DONE)/runtime $(DONE)/vendor ## install into .venv what a server and an edge need, and stop

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dashlight needs Python 3.11 or newer; call make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(DONE)/runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the packages of requirements.lock into $(VENV)"
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@mkdir -p $(DONE) && touch $@

$(DONE)/vendor-tools: requirements-vendor.lock $(DONE)/runtime
	@echo "Installing what the vendor step needs"
	$(PIP) install --require-hashes -r requirements-vendor.lock
	@touch $@

$(DONE)/vendor: $(VENDOR_TOOLS) $(DONE)/vendor-tools
	$(BIN)/python tools/vendor.py
	@touch $@

$(DONE)/dev: requirements-dev.lock $(DONE)/runtime
	@echo "Installing the tools for testing"
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@ $(DONE)/vendor-tools

.cache/clients/.done: requirements-clients.lock | $(BIN)/python
	@echo "Installing other people's validators into .cache/clients"
	$(PYTHON) -m venv .cache/clients
	.cache/clients/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-clients.lock
	@touch $@

node_modules/.done: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: vendor
vendor: $(DONE)/vendor-tools ## bring everything third-party that is shipped, and check its hashes
	$(BIN)/python tools/vendor.py
	@touch $(DONE)/vendor

.PHONY: dev
dev: $(DONE)/dev $(DONE)/vendor ## install everything for working on dashlight

.PHONY: test
test: $(DONE)/dev $(DONE)/vendor node_modules/.done .cache/clients/.done ## run the tests; ARGS="tests/unit -k tar" for some
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	$(BIN)/pytest -q $(TRACED) --cov --cov-report=json:.cache/coverage.json
	$(BIN)/pytest -q $(addprefix --ignore=,$(TRACED))
	$(BIN)/python tools/check_coverage.py
endif

.PHONY: check
check: $(DONE)/dev $(DONE)/vendor $(if $(wildcard package.json),node_modules/.done) ## style, types, layers, locks, docs: what CI runs before the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/check_api.py
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/python tools/lock.py --check
	$(BIN)/python tools/check_tree.py
	$(BIN)/python tools/check_docs.py
	$(BIN)/python tools/check_wheels.py
	$(if $(wildcard package.json),npm run --silent check)
	@echo "make check: all well"

.PHONY: format
format: $(DONE)/dev ## format the code and the command-line reference
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python tools/check_docs.py --write

.PHONY: lock
lock: $(DONE)/dev ## write the locks after a change to pyproject.toml; ARGS=--upgrade for newer versions
	$(BIN)/python tools/lock.py $(ARGS)

.PHONY: bench
bench: $(DONE)/dev $(DONE)/vendor ## measure; one JSON object a line; ONLY=ingest for names that start so
	@$(BIN)/python tools/bench.py $(if $(ONLY),--only "$(ONLY)")

.PHONY: soak
soak: $(DONE)/dev $(DONE)/vendor ## kill it 200 times; the result goes into docs/reference/soak.md
	$(BIN)/python tools/soak.py

.PHONY: screenshots
screenshots: $(DONE)/dev $(DONE)/vendor ## make the pictures of the docs again; needs Chromium
	$(BIN)/python tools/screenshots.py

.PHONY: browser-deps
browser-deps: ## install Chromium, its driver, Firefox and a screen for it on Debian or Raspberry Pi OS when absent
	@missing=; \
	for each in chromium:chromium chromedriver:chromium-driver firefox-esr:firefox-esr Xvfb:xvfb; do \
	  command -v "$${each%%:*}" >/dev/null || missing="$$missing $${each##*:}"; \
	done; \
	[ -z "$$missing" ] || { \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; }

.PHONY: gdal
gdal: ## install GDAL for the test that reads our features with it, on Debian or Raspberry Pi OS when absent
	@command -v ogr2ogr >/dev/null || { \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gdal-bin; }

.PHONY: second-scale-deps
second-scale-deps: ## install PostgreSQL for its tests on Debian or Raspberry Pi OS when absent; they run one of their own
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; }

.PHONY: wheel
wheel: $(DONE)/dev $(DONE)/vendor ## build the wheel, with everything that is shipped in it
	$(BIN)/python -m hatchling build -t wheel

.PHONY: clean
clean: ## remove what make put here, but for downloads (.vendor-cache) and what was made of them
	rm -rf $(VENV) node_modules dist .cache .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
