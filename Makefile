# Everything a person types. `make` alone prints this list.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed

REGION ?= xianju
STACK ?= $(REGION)
SECONDS ?=
DATA ?=
WORKERS ?= 2

.PHONY: help setup lock demo up down logs test check mutants bench bench-relay bench-path bench-timers bench-memory bench-surge bench-month bench-ingest format clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## virtualenv with pinned, hash-checked packages (Python >= 3.11)

$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch $(STAMP)

LOCK := $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock: ## pin requirements*.in again (UPGRADE=1: to the newest)
	@test -x $(VENV)/bin/uv || { test -x $(RUN) || $(PYTHON) -m venv $(VENV); $(RUN) -m pip install --quiet uv; }
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements.in -o requirements.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements-dev.in -o requirements-dev.txt

demo: setup ## one day of the region in two minutes (SECONDS=30: less of it; DATA=sf-fire: a recorded day)
	@$(RUN) -m deploy.local demo --region $(REGION) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(DATA),--data $(DATA))

up: setup ## the platform in real time until Ctrl-C, REGION=xianju; prints its addresses
	@$(RUN) -m deploy.local up --region $(REGION) --stack $(STACK) || test $$? -eq 130

down: setup ## stop the stack started by `make up` elsewhere
	@$(RUN) -m deploy.local down --stack $(STACK)

logs: setup ## follow the logs of the running stack
	@$(RUN) -m deploy.local logs --stack $(STACK) || test $$? -eq 130

test: setup ## every test, on real Kafka and PostgreSQL (WORKERS=1: one process)
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile

check: setup ## ruff, mypy --strict, architecture, schemas fresh
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) -m pytest -q tests/test_architecture.py
	@$(RUN) -m deploy.contracts --check

mutants: setup ## break one rule of delivery at a time and show which test catches it
	@$(RUN) -m tests.mutants

bench: setup ## every benchmark, one after the other (about half an hour; ROWS=1000000 EVENTS=100000: less)
	@$(RUN) -m benchmarks.relay
	@$(RUN) -m benchmarks.path
	@$(RUN) -m benchmarks.timers
	@$(RUN) -m benchmarks.memory
	@$(RUN) -m benchmarks.month $(if $(ROWS),--rows $(ROWS))
	@$(RUN) -m benchmarks.ingest $(if $(EVENTS),--events $(EVENTS))

bench-relay: setup ## consume-decide-store-publish beside bare loops and frameworks
	@$(RUN) -m benchmarks.relay

bench-path: setup ## call posted to webhook received, all services running
	@$(RUN) -m benchmarks.path

bench-timers: setup ## lateness with 100 thousand and a million open clocks
	@$(RUN) -m benchmarks.timers

bench-memory: setup ## memory of the six idle services after one report
	@$(RUN) -m benchmarks.memory

bench-surge: setup ## surge charts on recorded calls: false alarms and delays (about 3 minutes; LIANDONG_DATA)
	@$(RUN) -m benchmarks.surge

bench-month: setup ## ten million closed cases: a month and a year by DuckDB, Polars, PostgreSQL (ROWS=1000000: fewer)
	@$(RUN) -m benchmarks.month $(if $(ROWS),--rows $(ROWS))

bench-ingest: setup ## a million events from the topics into facts (EVENTS=100000: fewer)
	@$(RUN) -m benchmarks.ingest $(if $(EVENTS),--events $(EVENTS))

format: setup ## ruff's formatter and safe fixes
	@$(RUN) -m ruff check --fix --exit-zero .
	@$(RUN) -m ruff format .

clean: ## remove what was built or run here (the download cache stays)
	@if test -f $(STAMP); then $(RUN) -m deploy.local clean; fi
	@rm -rf build run .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
