# Kling Studio. `make run` starts it, `make test` proves it. Needs Python 3.11 or newer, git and make.
MAKEFLAGS += --no-print-directory
# some images set it: pytest would rewrite the assertions of every test file anew in each worker of each run
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help run test check docs chaos clients bench screens deploy-lint deploy-check lock upgrade venv venv-dev venv-deploy clean

# the named one, or the first that is new enough
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
endif
BIN := .venv/bin
STEP = @$(2) && echo '$(1): ok'
BUILD_DOCS = $(BIN)/zensical build --strict --clean

help:
	@echo 'make run     start the studio (PORT=8000)'
	@echo 'make test    lint, types, contracts, migrations and every test'
	@echo 'make check   the quick part of make test'
	@echo 'make docs    build docs/ into site/, strict about links'
	@echo 'make chaos   kill and break everything under 1,000 generations (CHAOS_SEED= CHAOS_COUNT= CHAOS_SECONDS= CHAOS_CLIENT=fal)'
	@echo 'make clients try LiteLLM, the AI SDK and Claude Code as docs/clients.md says (installs 530 MB into .cache/)'
	@echo 'make bench   measure (bench/scale_out.py by itself: as root, half an hour)'
	@echo 'make screens take pictures of every page into var/screens/ (twenty into docs/screens/)'
	@echo 'make deploy-check  lint all of deploy/, build the image, run it (as root; make deploy-lint: the first alone)'
	@echo 'make lock    write what the requirements come to, whole and with hashes (moves no version by itself)'
	@echo 'make upgrade move every version to the newest, then lock'
	@echo 'make clean   remove .venv, caches and collected files (never var/, your data)'

run: venv
	@exec $(BIN)/python -m devserver.launcher

test: check
	$(call STEP,migrations,$(BIN)/python -W ignore manage.py makemigrations --check --dry-run --verbosity 0)
	$(call STEP,system,$(BIN)/python manage.py check --verbosity 0)
	@exec $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: venv-dev
	$(call STEP,lint,$(BIN)/ruff check --quiet .)
	$(call STEP,format,$(BIN)/ruff format --check --quiet .)
	$(call STEP,scripts,$(BIN)/deno lint --quiet && $(BIN)/deno fmt --check --quiet)
	$(call STEP,templates,$(BIN)/djlint --lint --quiet templates && $(BIN)/djhtml --check --tabwidth 2 templates 2>.venv/djhtml.log || { cat .venv/djhtml.log; false; })
	$(call STEP,types,$(BIN)/mypy --no-error-summary)
	$(call STEP,contracts,$(BIN)/lint-imports >.venv/contracts.log 2>&1 || { cat .venv/contracts.log; false; })
	$(call STEP,docs,$(BUILD_DOCS) >.venv/docs.log 2>&1 || { cat .venv/docs.log; false; })

docs: venv-dev
	@$(BUILD_DOCS)

chaos: venv-dev
	@exec $(BIN)/python -m tests.chaos

clients: venv-dev
	@exec $(BIN)/python -m pytest -q tests/clients/heavy.py

bench: venv-dev
	@set -e; for file in $(filter-out bench/scale_out.py,$(wildcard bench/[a-z]*.py)); do \
		echo "== $$file"; $(BIN)/python -m bench.$$(basename $$file .py); done

deploy-lint: venv-deploy
	@exec $(BIN)/python -m tests.deploy lint

deploy-check: venv-deploy
	@exec $(BIN)/python -m tests.deploy

screens: venv-dev
	@exec $(BIN)/python -m pytest -q tests/browser/screens.py

venv: .venv/installed
venv-dev: .venv/installed-dev
venv-deploy: .venv/installed-deploy

.venv/python:
	@test -n '$(PYTHON)' || { echo 'Kling Studio needs Python 3.11 or newer; name it: make run PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
		echo "Kling Studio needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) can't make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo 'Making .venv with $(PYTHON)'
	@$(PYTHON) -m venv .venv && touch $@

# nothing but what the lock has, by its hashes
PIP = $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes

.venv/installed: requirements.lock .venv/python
	@echo 'Installing requirements.lock'
	@$(PIP) -r requirements.lock && touch $@

.venv/installed-dev: requirements-dev.lock requirements.lock .venv/python
	@echo 'Installing requirements-dev.lock'
	@$(PIP) -r requirements-dev.lock && touch .venv/installed $@

.venv/installed-deploy: requirements-deploy.lock .venv/installed-dev
	@echo 'Installing requirements-deploy.lock'
	@$(PIP) -r requirements-deploy.lock && touch $@

lock: venv-dev
	@$(BIN)/python -m config.lock_requirements

upgrade: venv-dev
	@$(BIN)/python -m config.lock_requirements upgrade
	@git diff --stat -- 'requirements*'

clean:
	@rm -rf .venv .grimp_cache .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .cache site test-results static-collected
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
