# Each target is an index entry: one line that calls what does the work.
PYTHON ?= python3
BIN := .venv/bin
T ?= tests
B ?=
F ?=
SECONDS ?= 600
INPUT ?=

.DEFAULT_GOAL := help
.PHONY: help run test check format pins bench fuzz clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(BIN)/.run-time ## set up what is missing and serve until interrupted
	@$(BIN)/python manage.py setup
	@exec $(BIN)/python manage.py serve

test: $(BIN)/.development ## everything that can be tested on this machine; T=tests/ca for a part
	@.ci/test $(T)

check: $(BIN)/.development ## format, lint, types, imports, migrations
	@.ci/check

format: $(BIN)/.development ## write the code as the checks want it
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

pins: $(BIN)/.development ## hashes and the SBOM, after a change of a version
	@$(BIN)/python .ci/pins

bench: $(BIN)/.development ## benchmarks, with ratios, some six minutes; B="core ocsp" for some
	@.ci/bench $(B)

fuzz: $(BIN)/.development ## hostile inputs to every parser, ten minutes each; SECONDS=60 F=pkcs10 for less
	@.ci/fuzz "$(SECONDS)" "$(F)" "$(INPUT)"

clean: ## remove what was made, but never the data in var/
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/.run-time: requirements.txt .ci/environment
	@PYTHON=$(PYTHON) .ci/environment requirements.txt && touch $@

$(BIN)/.development: requirements.txt requirements-dev.txt requirements-dev-kerberos.txt requirements-fuzz.txt requirements-ldap.txt .ci/environment
	@PYTHON=$(PYTHON) .ci/environment requirements-dev.txt && touch $@ $(BIN)/.run-time
