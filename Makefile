# Two commands do all set-up: `make demo` and `make test`.
PY := .venv/bin/python
export PYTHON

.PHONY: demo test soak check bench clean

demo:
	@scripts/setup.sh demo
	@$(PY) -m paper2code demo

test:
	@scripts/setup.sh test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m pytest -m "not soak" -n 2 --dist loadfile --cov --cov-report=term --cov-fail-under=85

soak:
	@scripts/setup.sh test
	$(PY) -m pytest -m soak -n 2 --timeout 3600

bench:
	@scripts/setup.sh test
	$(PY) -m benchmarks

clean:
	rm -rf .venv demo dist build .coverage .pytest_cache .mypy_cache .ruff_cache tests/diagrams/node/node_modules
