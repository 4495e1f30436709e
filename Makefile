# make run      the page, at http://127.0.0.1:8000 (LEARNDA_PORT and LEARNDA_DATA_DIR are respected)
# make test     every check: what is missing is installed first
# make test-faults   kills, cuts and full disks, in real processes: some ten minutes
# A second call does only what has changed. PYTHON=... chooses the Python of .venv.
SHELL := bash
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.PHONY: run test lint format proto release-contract types web bench screenshots lock clean \
        test-fast test-rest test-web test-clients test-browser test-faults-quick test-faults
.DEFAULT_GOAL := run

BIN := .venv/bin
WEB_SOURCES := $(shell find web/src web/public) learnda/accuracy/lorenz96.json \
               $(wildcard web/*.html web/*.ts web/*.json web/.npmrc)
FAST := tests/learnda tests/compute
ALONE := tests/browser/test_performance.py

run: .venv/.run web/dist/.built
	exec $(BIN)/learn-da up --with-parent

# ---------------------------------------------------------------- checks, the quickest first

test: lint test-fast test-web test-rest test-clients test-faults-quick test-browser

lint: .venv/.dev web/node_modules/.installed
	$(BIN)/ruff check --no-cache . # its cache misses that a new module is ours
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/released.json
	$(BIN)/python scripts/generate_proto.py --check
	$(BIN)/python scripts/generate_grpc_page.py --check
	$(BIN)/python scripts/generate_api_types.py --check
	scripts/node.sh npm run --silent check

test-fast: .venv/.dev
	$(BIN)/pytest -q -n 2 --dist loadfile $(FAST)

test-web: web/node_modules/.installed
	scripts/node.sh npm test --silent

test-rest: .venv/.dev web/dist/.built
	$(BIN)/pytest -q -n 2 --dist loadfile tests $(FAST:%=--ignore=%) \
	    --ignore=tests/browser --ignore=tests/clients --ignore=tests/faults

test-clients: .venv/.dev examples/node/node_modules/.installed
	cpp="$$(scripts/cpp_example.sh)" && LEARNDA_CPP_EXAMPLE="$$cpp" \
	    $(BIN)/pytest -q -n 2 --dist loadfile tests/clients \
	    $$([ -n "$$cpp" ] || echo --ignore=tests/clients/test_cpp_client.py)

test-faults-quick: .venv/.dev
	$(BIN)/pytest -q -m "not slow" tests/faults

test-faults: .venv/.dev
	LEARNDA_FAKETIME="$$(scripts/fault_tools.sh)" LEARNDA_NGINX="$$(scripts/nginx.sh)" \
	    $(BIN)/pytest -q --durations=15 tests/faults

test-browser: .venv/.dev web/dist/.built
	export LEARNDA_CHROMIUM="$$(scripts/chromium.sh)"; \
	    $(BIN)/pytest -q -n 2 --dist loadfile tests/browser --ignore=$(ALONE) && \
	    $(BIN)/pytest -q $(ALONE)

# ---------------------------------------------------------------- chores

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: .venv/.dev
	$(BIN)/python scripts/generate_proto.py
	$(BIN)/python scripts/generate_grpc_page.py

release-contract: .venv/.dev # from now on, lint refuses what would break this contract's clients
	$(BIN)/buf build --exclude-source-info -o proto/released.json

types: .venv/.dev web/node_modules/.installed
	$(BIN)/python scripts/generate_api_types.py

web: web/dist/.built

bench: .venv/.run # PARTS="peers integration" for some; benchmarks/README.md says which there are
	$(BIN)/python -m benchmarks $(PARTS)

screenshots: .venv/.dev web/dist/.built
	LEARNDA_CHROMIUM="$$(scripts/chromium.sh)" $(BIN)/python scripts/screenshots.py

lock:
	scripts/lock.sh

clean:
	rm -rf .venv .cache web/node_modules web/dist examples/node/node_modules examples/cpp/build \
	    .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

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

examples/node/node_modules/.installed: $(addprefix examples/node/,package.json package-lock.json .npmrc) | .venv/.run
	scripts/node.sh -C examples/node npm ci --silent
	touch $@

web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	scripts/node.sh npm run --silent build
	touch $@
