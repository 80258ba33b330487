# One screen of targets; CI calls the same ones. `make up` and `make test` need nothing else first.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
.DEFAULT_GOAL := help
# Tests start many processes; each would compile all of it anew where this is set.
export PYTHONDONTWRITEBYTECODE :=
.PHONY: help install up lint check test kube clients scanners registries e2e portal screens bench chaos recovery soak crd docs golden faults fuzz fix lock clean helm promql crds images

help: ## show this list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

PORTAL_SOURCES := $(shell git ls-files -co --exclude-standard portal 2>/dev/null)
PORTAL_BUILT := src/tidegate/hub/portal/static/.built

# Without Node the hub runs all the same and says on its first page that the portal is not built.
$(PORTAL_BUILT): $(PORTAL_SOURCES)
	@if hack/has-node.sh; then \
	  cd portal && npm ci --no-audit --no-fund && npm run --silent build && touch ../$@; \
	fi

install: $(BIN)/.installed $(PORTAL_BUILT) ## make .venv/ with tidegate[all] and the check tools

up: install ## run everything on this machine, with the demo images and the lab's rule
	$(BIN)/tidegate up --demo

portal: $(PORTAL_BUILT) ## build the portal (needs Node 20.19 or newer)

screens: install ## a picture of every page of the portal, in portal/screens/
	cd portal && PYTHON=$(CURDIR)/$(BIN)/python npx playwright test --project screens

lint: install ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/lint-imports --no-logo

check: lint ## lint and the fast tests (under 60 s)
	$(BIN)/pytest -q -n 2 -m "not integration and not slow" tests/unit tests/property tests/golden tests/arch

test: check ## everything: the fast checks, then real registries, scanner, hub and API server
	$(BIN)/pytest -q -n 2 -m "integration or slow" tests/unit tests/property
	TIDEGATE_EXAMPLES=100 $(BIN)/pytest -q -n 2 tests/property
	$(BIN)/pytest -q -n 2 --dist loadfile tests/contract tests/integration
	$(BIN)/pytest -q tests/e2e tests/portal

kube: ## build the real API server, controller-manager and kubectl into a cache (once, minutes)
	hack/kube/build.sh

helm: ## build helm into a cache (once, a minute)
	hack/helm/build.sh

images: $(PORTAL_BUILT) ## build the three images without a daemon, on stand-ins for their bases (root, Debian, minutes)
	hack/images/build.sh

crds: ## fetch the kinds of cert-manager and the Prometheus Operator into a cache (once, seconds)
	hack/crds/build.sh

promql: ## build Prometheus' own parser into a cache, for alerts and the dashboard (once, half a minute)
	hack/promql/build.sh

clients: ## fetch the stock clients oras and cosign, which some tests drive (Debian)
	hack/clients.sh

scanners: install ## build Syft and Grype, and databases for Grype and Trivy, into a cache (once, minutes)
	hack/scanners/build.sh

registries: ## build zot and the OCI conformance suite into a cache (once, a minute)
	hack/conformance/build.sh
	hack/zot/build.sh

e2e: install ## only the tests on the real API server
	$(BIN)/pytest tests/e2e

bench: install ## measure; results and method go to bench/RESULTS.md
	$(BIN)/python bench/run.py

chaos: install ## storms of reviews while things fail (FULL=1: whole, SCENARIOS="slow gone": these)
	$(BIN)/python bench/chaos.py $(if $(FULL),--full) $(if $(WRITE),--write) $(SCENARIOS)

recovery: install ## lose and start everything in a gated cluster (ROWS="database order": these; WRITE=1)
	PYTHONPATH=$(CURDIR)/src:$(CURDIR)/tests $(BIN)/python -m recovery $(if $(WRITE),--write) $(ROWS)

MINUTES ?= 60
soak: install ## reviews for MINUTES (60), and whether the gate grows; goes to bench/RESULTS.md
	$(BIN)/python bench/soak.py --minutes $(MINUTES) --write

crd: install ## regenerate config/ from its sources
	$(BIN)/python -m tidegate.wire.crd > config/crd/securityartifactpolicies.yaml
	$(BIN)/python -m tidegate.wire.break_glass_v1alpha1 > config/crd/breakglasses.yaml
	$(BIN)/python -m tidegate.wire.rbac gate > config/rbac/gate.yaml
	$(BIN)/python -m tidegate.wire.rbac agent > config/rbac/agent.yaml
	$(BIN)/python -m tidegate.wire.rbac certificates > config/rbac/certificates.yaml
	$(BIN)/python -m tidegate.wire.crd_docs docs/reference/policy-object.md

docs: install crd ## regenerate the reference pages that are made from code
	$(BIN)/python -m tidegate.cli.docs > docs/reference/cli.md
	$(BIN)/python hack/reference.py
	$(BIN)/python hack/chart.py
	$(BIN)/python hack/dashboard.py

golden: install ## rewrite what the real API server sends and the scanners find; review the diff
	$(BIN)/pytest -q tests/e2e/test_golden.py tests/e2e/test_judged_fields.py --rewrite-golden
	$(BIN)/pytest -q tests/contract/test_scanner_differences.py --rewrite-golden
	$(BIN)/pytest -q tests/integration/test_chart.py --rewrite-golden

faults: install ## remove each guard in turn; a test must fail for it
	TIDEGATE_EXAMPLES=100 $(BIN)/python tests/faults.py

SECONDS ?= 60
fuzz: install ## try changed inputs on each parser for SECONDS (60) under libFuzzer
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/fuzz.txt
	$(BIN)/python fuzz/run.py --seconds $(SECONDS) $(TARGETS)

fix: install ## format and repair what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## rewrite requirements/ from pyproject.toml (needs uv)
	hack/lock.sh

clean: ## remove what the targets made in this checkout
	rm -rf portal/node_modules portal/screens portal/test-results src/tidegate/hub/portal/static
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
