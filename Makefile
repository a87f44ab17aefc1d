# What people do daily. Everything happens in .venv; the system Python is only used to make it.
PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
JOBS   ?= 2
PORT   ?= 6379
SHARDS ?= 4
ARGS   ?=

# Servers start by the hundred in tests: without its cached bytecode each takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up test bench lint simulate chaos large conformance clean test-clients test-compose crash sentinel build dev peers
.DEFAULT_GOAL := up

# Installed without compiling: `make build` does that, with the venv's own Cython, and only what changed.
$(VENV)/.installed: pyproject.toml setup.py
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check 'setuptools>=68' 'cython>=3.0.10'
	ELIXIRCACHE_COMPILE=later $(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[test]'
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	ELIXIRCACHE_COMPILE=later $(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[dev]'
	touch $@

# Only what changed is compiled again.
build: $(VENV)/.installed
	$(PY) setup.py --quiet build_ext --inplace

dev: $(VENV)/.dev build

up: build
	$(VENV)/bin/elixircache up --shards $(SHARDS) --port $(PORT) $(ARGS)

# redis-server, redis-cli and nutcracker (twemproxy) are what the tests compare with. Where they cannot be
# installed the tests that need them are skipped and say so.
peers:
	@sh tests/install_peers.sh

# Process tests wait as often as they work: they share the machine, but for those that measure times.
test: build peers
	$(PY) -m pytest -n $(JOBS) --dist loadfile --ignore=tests/compose -m 'not alone' tests $(ARGS)
	$(PY) -m pytest --ignore=tests/compose -m alone tests $(ARGS)
	@if docker info >/dev/null 2>&1; then $(MAKE) test-compose; \
	else echo "compose files: not tested, no Docker engine runs here (make test-compose starts one)"; fi

# COUNT simulated clusters from SEED on (`make test` runs the first 2,000); ARGS=--replicas: groups that replicate.
SEED   ?= 1
COUNT  ?= 2000
simulate: build
	$(PY) -m tests.simulation $(ARGS) $(SEED) $(COUNT)

# Generated commands on us and on a real redis-server: TARGET is engine, or a number of shards.
TARGET ?= engine 1 4
conformance: build peers
	for target in $(TARGET); do $(PY) -m tests.conformance --seed $(SEED) --count $(COUNT) --target $$target $(ARGS) || exit 1; done

# Clients of other languages (npm) and a Celery worker.
test-clients: build peers
	$(PY) -m pip install --quiet --disable-pip-version-check celery
	CLIENTS=1 $(PY) -m pytest tests/clients $(ARGS)

# Failovers by real Sentinels, with the time that each took and the writes that were lost.
sentinel: build peers
	ELIXIRCACHE_SENTINEL=1 $(PY) -m pytest -s tests/processes/test_sentinel.py $(ARGS)

# Containers: builds the image, starts both compose files, kills, fails over, stops. Needs a Docker engine, or
# root and Debian, where one is installed and started for the test. BASE=... is the image to build on.
test-compose: build
	@sh tests/compose/install_engine.sh
	$(PY) -m pytest tests/compose --timeout 1500 -x $(ARGS)

# Clients at work on real processes for 30 s, of which one or two at a time are ended by kill -9.
chaos: build
	CHAOS_S=30 $(PY) -m pytest --timeout 300 tests/processes/test_chaos.py $(ARGS)

crash: build peers
	ELIXIRCACHE_CRASH_ROUNDS=100 CHAOS_S=60 $(PY) -m pytest --timeout 300 \
		$(addprefix tests/processes/test_,crash.py chaos.py script_transfers.py) $(ARGS)

# Collections of a million members move between shards.
large: build
	LARGE_MEMBERS=1000000 $(PY) -m pytest -s --timeout 300 tests/processes/test_concurrent_operations.py $(ARGS)

bench: build peers
	$(VENV)/bin/elixircache bench $(ARGS)

lint: dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

clean:
	rm -rf build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find cluster shard router cli -name '*.so' -delete
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
