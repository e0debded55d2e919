# One command each. PORT, HOST and DATA_DIR move `make run`; PYTHON says which Python makes the environment.
PYTHON ?= python3
BIN := .venv/bin
OURS := core activity accounts customers messaging workflows analytics crm_project
CODE := $(OURS) tests bench scripts manage.py
# How many tests at once, and which (PATHS: files or folders) of them.
JOBS ?= 2
MARKS ?= not browser and not fuzz

.DEFAULT_GOAL := help
.PHONY: help run upgrade install test fuzz test-browser check format bench mutants lock screenshots

help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

run: ## Start Parley: environment, database, demo, then web, worker and beat
	@exec $(PYTHON) scripts/run.py

upgrade: install ## Back up, upgrade a copy, and only then the database (ARGS=--rehearse: the copy only)
	@$(BIN)/python manage.py upgrade $(ARGS)

install:
	@$(PYTHON) scripts/install.py dev

test: install ## Pass the tests; they need no service (DATABASE_URL and REDIS_URL choose others)
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "$(MARKS)" $(PATHS) $(ARGS)

fuzz: install ## Call the API in every way that its schema allows, and some that it doesn't
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m fuzz tests/crm_project/test_fuzz.py $(ARGS)

test-browser: install ## Drive Chromium through the main job
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m browser --reruns 1 --timeout 240 --timeout-method thread $(or $(PATHS),tests/browser) $(ARGS)

check: install ## Format, lint, types, imports, migrations, templates, production settings
	@BIN=$(BIN) OURS="$(OURS)" CODE="$(CODE)" bash scripts/check.sh

format: install ## Put the code into its format
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

bench: install ## Measure what the design promises
	@$(BIN)/python -m bench $(ARGS)

mutants: install ## Change the code wrongly, time after time; the tests have to notice (ARGS: words of the names)
	@$(BIN)/python scripts/mutants.py $(ARGS)

lock: install ## Write requirements*.txt anew from requirements*.in
	@BIN=$(BIN) bash scripts/lock.sh

screenshots: install ## Take the README's pictures
	@$(BIN)/python -m pytest -q -m browser tests/browser/screenshots.py $(ARGS)
