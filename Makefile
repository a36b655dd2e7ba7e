# liveserver: what one does with a checkout. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8080
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.PHONY: help setup run cluster test check lint format types layers lock upgrade protocol schema browser soak bench bench-quick bench-micro costs conformance load load-ui chaos

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Stamps make a second `make setup` instant; the runtime has its own, so that `make run` installs no development tools.
.venv/.created:
	@scripts/make-venv.sh "$(PYTHON)"
	@touch $@

.venv/.runtime: .venv/.created requirements/runtime.txt pyproject.toml
	@echo "==> installing the server (hashed lock requirements/runtime.txt)"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar on -r requirements/runtime.txt | scripts/pip-progress.sh
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	@echo "==> installing the development tools (hashed lock requirements/dev.txt)"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar on -r requirements/dev.txt | scripts/pip-progress.sh
	@touch $@

.venv/.bench: .venv/.dev requirements/bench.txt
	@echo "==> installing what the benchmarks compare with (hashed lock requirements/bench.txt)"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar on -r requirements/bench.txt | scripts/pip-progress.sh
	@touch $@

.venv/.load: .venv/.dev requirements/load.txt
	@echo "==> installing locust (hashed lock requirements/load.txt)"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar on -r requirements/load.txt | scripts/pip-progress.sh
	@touch $@

# Autobahn's cases only, as a source archive: its own requirements are for Python 2 and not needed (tests/conformance/suite.py).
.venv-conformance/.installed: .venv/.dev requirements/conformance-build.txt requirements/conformance.txt
	@echo "==> installing Autobahn's WebSocket cases (hashed lock requirements/conformance.txt)"
	@$(BIN)/python -m venv --clear --without-pip .venv-conformance
	@for lock in conformance-build conformance; do \
		$(BIN)/python -m pip --python .venv-conformance/bin/python install --disable-pip-version-check --quiet \
			--require-hashes --no-deps --no-build-isolation -r requirements/$$lock.txt; done
	@touch $@

setup: .venv/.dev ## prepare .venv with all that running and testing need
	@echo "==> .venv is ready"

run: .venv/.runtime ## start a demo show and print its address (PORT=8080)
	@exec $(BIN)/liveserver demo --port $(PORT)

cluster: .venv/.runtime ## a demo show on three nodes, a Valkey cluster and one address (PORT=8080)
	@exec $(BIN)/liveserver cluster --demo --port $(PORT)

test: setup browser check .venv-conformance/.installed ## lint, types, import layers and all tests (what CI runs)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

check: lint types layers

lint: .venv/.dev ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: .venv/.dev ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: .venv/.dev ## basedpyright, strict
	@$(BIN)/basedpyright

layers: .venv/.dev ## imports point down only
	@$(BIN)/lint-imports

browser: .venv/.dev
	@scripts/ensure-chromium.sh $(BIN)

protocol: .venv/.dev ## write the tables of docs/PROTOCOL.md anew from the code
	@$(BIN)/python scripts/write_protocol.py

soak: .venv/.dev ## many more random histories and webhooks than the tests run (HISTORIES=100000 ORDERS=3000)
	@HISTORIES=$(or $(HISTORIES),100000) $(BIN)/python -m pytest tests/simulation -n 2 --timeout 14400
	@ORDERS=$(or $(ORDERS),3000) $(BIN)/python -m pytest tests/payments/test_masses.py -s

bench: .venv/.bench ## measure beside other servers, and write docs/benchmarks (some 100 minutes on a quiet machine)
	@$(BIN)/python -m benchmarks all --write

bench-quick: .venv/.dev ## the same in some 7 minutes: one round, liveserver and the raw-send limit; prints only
	@$(BIN)/python -m benchmarks all --quick

bench-micro: .venv/.dev ## what single operations cost, beside doing nothing; prints the table
	@$(BIN)/python -m benchmarks.micro

costs: .venv/.dev ## count instructions per operation anew and write tests/costs/budgets.toml
	@$(BIN)/python -m tests.costs.budgets

conformance: .venv-conformance/.installed ## Autobahn's cases against the gateway and against `websockets`; prints where they differ
	@$(BIN)/python -m tests.conformance.compare

load: .venv/.load ## load on a fresh server with locust: SCENARIO=drop (quiet, hammer, storm) USERS=100 SECONDS=60
	@$(BIN)/python -m loadtests.fresh --scenario "$(or $(SCENARIO),drop)" --users "$(or $(USERS),100)" --seconds "$(or $(SECONDS),60)"

load-ui: .venv/.load ## the same from locust's page in a browser (UI_PORT=8089), on this machine only
	@$(BIN)/python -m loadtests.fresh --ui --ui-port "$(or $(UI_PORT),8089)" --scenario "$(or $(SCENARIO),drop)" --users "$(or $(USERS),100)" --seconds "$(or $(SECONDS),60)"

chaos: .venv/.dev ## kill, pause, cut off and empty what nodes run on, and write the tables of docs/operating/faults.md (some 15 minutes)
	@$(BIN)/python -m chaos --write

schema: .venv/.dev ## write liveserver/infra/schema.sql anew from the migrations
	@$(BIN)/python scripts/write_schema.py

lock: .venv/.dev ## resolve requirements/*.txt anew, keeping versions where they still fit
	@$(COMPILE) pyproject.toml requirements/runtime.in -o requirements/runtime.txt
	@$(COMPILE) requirements/dev.in -o requirements/dev.txt
	@$(COMPILE) requirements/bench.in -o requirements/bench.txt
	@$(COMPILE) requirements/load.in -o requirements/load.txt
	@$(COMPILE) requirements/conformance-build.in -o requirements/conformance-build.txt
	@$(COMPILE) --no-deps requirements/conformance.in -o requirements/conformance.txt

upgrade: COMPILE += --upgrade
upgrade: lock ## as lock, with the newest versions
