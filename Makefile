# make run      the page, at http://127.0.0.1:8000 (LEARNDA_PORT and LEARNDA_DATA_DIR are respected)
# make test     every check: what is missing is installed first
# A second call does only what has changed. PYTHON=... chooses the Python of .venv.
SHELL := bash
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.PHONY: run test lint format proto web bench screenshots lock clean \
        test-fast test-rest test-web test-browser
.DEFAULT_GOAL := run

BIN := .venv/bin
WEB_SOURCES := $(shell find web/src web/public) \
               $(wildcard web/*.html web/*.ts web/*.json web/.npmrc)
FAST := tests/learnda tests/compute

run: .venv/.run web/dist/.built
	exec $(BIN)/learn-da up --with-parent

# ---------------------------------------------------------------- checks, the quickest first

test: lint test-fast test-web test-rest test-browser

lint: .venv/.dev web/node_modules/.installed
	$(BIN)/ruff check --no-cache . # its cache misses that a new module is ours
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/python scripts/generate_proto.py --check
	scripts/node.sh npm run --silent check

test-fast: .venv/.dev
	$(BIN)/pytest -q -n 2 --dist loadfile $(FAST)

test-web: web/node_modules/.installed
	scripts/node.sh npm test --silent

test-rest: .venv/.dev web/dist/.built
	$(BIN)/pytest -q tests $(FAST:%=--ignore=%) --ignore=tests/browser

test-browser: .venv/.dev web/dist/.built
	LEARNDA_CHROMIUM="$$(scripts/chromium.sh)" $(BIN)/pytest -q tests/browser

# ---------------------------------------------------------------- chores

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: .venv/.dev
	$(BIN)/python scripts/generate_proto.py

web: web/dist/.built

bench: .venv/.run # PARTS="peers integration" for some; benchmarks/README.md says which there are
	$(BIN)/python -m benchmarks $(PARTS)

screenshots: .venv/.dev web/dist/.built
	LEARNDA_CHROMIUM="$$(scripts/chromium.sh)" $(BIN)/python scripts/screenshots.py

lock:
	scripts/lock.sh

clean:
	rm -rf .venv .cache web/node_modules web/dist .mypy_cache .ruff_cache .pytest_cache \
	    .import_linter_cache .hypothesis *.egg-info

# ---------------------------------------------------------------- what they need

.venv/.run: pyproject.toml constraints.txt
	scripts/make_venv.sh
	touch $@

.venv/.dev: pyproject.toml constraints.txt
	scripts/make_venv.sh dev
	touch .venv/.run $@

web/node_modules/.installed: web/package.json web/package-lock.json web/.npmrc | .venv/.run
	scripts/node.sh npm ci --silent
	touch $@

web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	scripts/node.sh npm run --silent build
	touch $@
