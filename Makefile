.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
TESTS ?= tests
WORKERS ?= 2
CHECKOV := .checkov

.PHONY: help
help: ## Show what there is to make.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: $(INSTALLED) ## Set up .venv with all that is needed (the other targets do it by themselves).

$(INSTALLED): requirements.txt requirements-cli.txt requirements-dev.txt pyproject.toml scripts/find-python
	@python=$$(scripts/find-python) && echo "Setting up $(VENV) with $$python (about a minute, once)" \
		&& "$$python" -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.PHONY: run
run: $(INSTALLED) ## Show Outlook and Dynamics in step on this machine. MAIL=path ICS=path: with your own mail, calendars.
	@$(BIN)/python -m bench.run $(if $(MAIL),--mail "$(MAIL)") $(if $(ICS),--ics "$(ICS)")

.PHONY: up
up: $(INSTALLED) ## Start the same stack and leave it running. STATE=dir keeps it, MAILBOXES=n sets its size.
	@exec $(BIN)/python -m bench.up $(if $(STATE),--state "$(STATE)") $(if $(MAILBOXES),--mailboxes "$(MAILBOXES)")

.PHONY: test
test: $(INSTALLED) ## Run the whole test suite. TESTS=path runs a part.
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile $(TESTS)

.PHONY: check
check: $(INSTALLED) ## Lint, format and type checks over everything.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .

.PHONY: docs
docs: $(INSTALLED) ## Write docs/troubleshooting.md from the catalogue.
	@$(BIN)/python -m scripts.troubleshooting

.PHONY: package
package: $(INSTALLED) ## Build the package, install it by itself, run it; prints its size and cold start.
	@$(BIN)/python -m pytest -q -s -m package tests/system/test_package.py

.PHONY: checkov
checkov: $(CHECKOV)/installed ## Check the templates against Azure's security rules.
	@$(CHECKOV)/bin/checkov --config-file infra/.checkov.yaml

$(CHECKOV)/installed: requirements-checkov.txt scripts/find-python
	@python=$$(scripts/find-python) && "$$python" -m venv --clear $(CHECKOV)
	@$(CHECKOV)/bin/pip install --quiet --disable-pip-version-check --no-compile -r requirements-checkov.txt
	@touch $@

.PHONY: bench
bench: $(INSTALLED) ## Measure the figures in the README and write them there.
	@$(BIN)/python -m bench.figures

.PHONY: clean
clean: ## Remove what was set up and kept.
	@rm -rf $(VENV) $(CHECKOV) *.egg-info .tether .mypy_cache .ruff_cache .pytest_cache .hypothesis
