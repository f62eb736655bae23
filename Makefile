# Lotwise. Needs python3 (3.11 or newer) and make; everything else is made in .venv/.
# Relative paths only: make cannot name a target in a folder with a space in its path.

PYTHON3 ?= python3
TEST_WORKERS ?= 2
UV_VERSION = 0.13.9
PYTHON = .venv/bin/python

# Downloads are kept inside the environment: nothing is written outside this folder.
export UV_CACHE_DIR ?= .venv/cache
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# What pip was told about the network holds for uv as well; an empty variable means "not set".
ifeq ($(strip $(PIP_CERT)),)
unexport PIP_CERT
else ifndef SSL_CERT_FILE
export SSL_CERT_FILE = $(PIP_CERT)
endif
ifeq ($(strip $(PIP_FIND_LINKS)),)
unexport PIP_FIND_LINKS
endif
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.DEFAULT_GOAL = help
.NOTPARALLEL:
.PHONY: help run test check static-checks bench chaos lock

help: ## this list
	@echo 'Lotwise: make <target>'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-10s %s\n", $$1, $$2 }'

run: .venv/runtime ## start everything at 127.0.0.1:$PORT (8000); Ctrl-C ends it
	@exec $(PYTHON) manage.py up

test: .venv/development ## the whole suite on real PostgreSQL and Valkey
	@$(PYTHON) -m pytest -n $(TEST_WORKERS) --dist loadfile

check: static-checks test ## format, lint, types, import contracts, migrations, then the tests

static-checks: .venv/development
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	$(PYTHON) -m mypy .
	.venv/bin/lint-imports
	$(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: .venv/development .venv/bench/installed ## benchmarks beside their anchors; lines in build/bench.jsonl
	@$(PYTHON) -m benchmarks

chaos: .venv/development ## long fault tests, mutations, ledger proofs, backtests and simulated years, seeded (LOTWISE_SEED)
	@$(PYTHON) -m pytest tests/faults tests/lots tests/harvesting/backtest tests/simulation tests/rebalancing -m chaos -v

lock: .venv/runtime ## resolve requirements*.in into the hash-locked files
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url requirements.in -o requirements.lock
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url requirements-dev.in -o requirements-dev.lock
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url requirements-bench.in -o requirements-bench.lock
	@! grep -n '://' requirements.lock requirements-dev.lock requirements-bench.lock

# The environment. Each stamp depends on its lock, so a changed lock installs again.

.venv/bin/python:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Lotwise needs Python 3.11 or newer; this is $$($(PYTHON3) --version 2>&1). Try: make PYTHON3=python3.12 ..." >&2; exit 1; }
	@$(PYTHON3) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv module is missing (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo 'Making the environment in .venv/ ...'
	@$(PYTHON3) -m venv --clear .venv

.venv/bin/uv: | .venv/bin/python
	@$(PYTHON) -m pip install --quiet --no-cache-dir uv==$(UV_VERSION) \
	  || echo 'uv cannot be installed here; pip does its work, more slowly.' >&2

.venv/runtime: requirements.lock | .venv/bin/uv
	@$(call install,requirements.lock,$(PYTHON))
	@touch $@

.venv/development: requirements-dev.lock | .venv/bin/uv
	@$(call install,requirements-dev.lock,$(PYTHON))
	@touch $@ .venv/runtime

# A package we are measured beside wants another version of a library than we do: it gets an environment of its own.
.venv/bench/installed: requirements-bench.lock | .venv/bin/uv
	@$(PYTHON) -m venv --clear .venv/bench
	@{ $(call install,requirements-bench.lock,.venv/bench/bin/python); } && touch $@ \
	  || echo 'It cannot be installed here; the benchmark leaves taxrebalance out.' >&2

define install
echo 'Installing $(1) ...'; \
.venv/bin/uv pip install --quiet --python $(2) --require-hashes -r $(1) || { \
  echo 'uv cannot install it; plain pip tries, which takes a minute or two more.' >&2; \
  $(2) -m pip install --quiet --no-cache-dir --require-hashes -r $(1); }
endef
