# `make` lists what there is. Each target needs nothing done before: it sets up what is missing in .venv.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-again test-agents coverage check bench docs screenshots clean

# PYTHON: the Python to make .venv from. CHROMIUM: the browser for the end-to-end tests. REDIS_SERVER: for the relay's.
export PYTHON CHROMIUM REDIS_SERVER

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything into .venv and build the front end; quick when nothing changed
	@scripts/setup

demo: setup ## open JupyterLab with a run of the embedded simulator
	@.venv/bin/runconsole demo

test: setup ## run all checks and tests, in a real browser too (gets Chromium and Redis where there are none)
	@scripts/test

test-again: setup ## run all tests N=10 times in a row, beside LOAD=1 processes that keep a core busy
	@scripts/test --again $(or $(N),10) --load $(or $(LOAD),1)

test-agents: setup ## run the tests on real servers of LangGraph and AG-UI, installed apart (300 MB)
	@scripts/test-agents

coverage: setup ## run the Python tests (no browser), show the lines they reach; pages in build/coverage
	@.venv/bin/python -m pytest --quiet --ignore=tests/e2e --numprocesses=4 --dist=loadfile --no-loadscope-reorder \
		--cov --cov-report=term:skip-covered --cov-report=html:build/coverage

check: setup ## lint and types only
	@scripts/check

bench: setup ## run the benchmarks and write benchmarks/RESULTS.md; BENCH="ingest clicks" runs these
	@CHROMIUM=$$(scripts/get-browser) .venv/bin/python -m benchmarks $(BENCH)

docs: setup ## build the documentation site into build/docs, strictly
	@scripts/docs

screenshots: setup ## make the README's pictures from the real panel
	@CHROMIUM=$$(scripts/get-browser) PYTHONPATH=. .venv/bin/python scripts/screenshots.py

clean: ## remove .venv, caches and what was built
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist test-results
	rm -rf js/node_modules js/dist js/coverage src/runconsole/static
	find src tests scripts -name __pycache__ -prune -exec rm -rf {} +
