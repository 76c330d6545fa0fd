# Thin on purpose: each target is one command that works without make, too.
# Paths are relative so that the checkout may live under a folder with spaces.
PYTHON ?= python3
PORT ?= 8000
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:

.PHONY: run test test-postgres check bench browser extras lock clean

run: .venv/run.stamp
	@exec $(PY) manage.py up --port $(PORT)

# On SQLite, and then on PostgreSQL and Redis where TEST_DATABASE_URL / TEST_REDIS_URL say so.
test: .venv/dev.stamp
	@env -u TEST_DATABASE_URL -u TEST_REDIS_URL $(PY) -m pytest -q -n 2 --dist loadgroup
	@if [ -n "$$TEST_DATABASE_URL$$TEST_REDIS_URL" ]; then $(MAKE) --no-print-directory test-postgres; fi

test-postgres: .venv/dev.stamp
	@$(PY) -m pytest -q -n 2 --dist loadgroup

extras: requirements/extras.txt .venv/run.stamp
	@$(PIP) -r requirements/extras.txt

check: .venv/dev.stamp
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@find templates -name '*.html' -print0 | xargs -0 .venv/bin/djade --check --target-version 5.2
	@$(PY) manage.py makemigrations --check --dry-run
	@DEBUG=false SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))') PUBLIC_URL=https://shop.example PROXIES=1 ALLOWED_HOSTS=shop.example \
		$(PY) manage.py check --deploy --fail-level WARNING
	@$(PY) -m pytest -q tests/test_house.py

# On SQLite, and then on PostgreSQL where DATABASE_URL says so; with the peers on Redis where BENCH_REDIS_URL does.
bench: .venv/bench.stamp
	@$(PY) -m benchmarks

browser: .venv/e2e.stamp
	@DJANGO_ALLOW_ASYNC_UNSAFE=1 $(PY) -m pytest -m browser

# Each stamp is touched last, so an interrupted install starts again.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Direction Board needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .venv

.venv/run.stamp: requirements/run.txt | .venv/bin/python
	@echo "Installing (once) ..."
	@$(PIP) -r requirements/run.txt && touch $@

.venv/dev.stamp: requirements/dev.txt .venv/run.stamp
	@echo "Installing the test tools (once) ..."
	@$(PIP) -r requirements/dev.txt && touch $@

.venv/e2e.stamp: requirements/e2e.txt .venv/dev.stamp
	@$(PIP) -r requirements/e2e.txt && touch $@

# django-hordak comes as source only.
.venv/bench.stamp: requirements/bench.txt .venv/run.stamp
	@echo "Installing the peers of the benchmarks (once) ..."
	@$(PIP) --no-binary django-hordak -r requirements/bench.txt && touch $@

# Needs uv; only for the one who changes a dependency.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet
lock:
	$(LOCK) -o requirements/run.txt
	$(LOCK) --extra postgres --extra redis --extra ai --extra stripe -c requirements/run.txt -o requirements/extras.txt
	$(LOCK) --extra postgres --extra redis --extra ai --extra stripe --group dev -c requirements/run.txt -o requirements/dev.txt
	$(LOCK) --extra postgres --extra redis --extra ai --extra stripe --group dev --group e2e -c requirements/dev.txt -o requirements/e2e.txt
	$(LOCK) --extra postgres --extra redis --group bench -c requirements/dev.txt -o requirements/bench.txt

clean:
	rm -rf .venv
