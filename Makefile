# `make demo` does the main job on real loans, `make demo-province` on an invented Chinese province, `make test` checks everything.
# Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SBA := examples/sba_7a
ENGINE := $(BIN)/riskengine --project $(SBA)
export PYTHONHASHSEED := 0
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

.PHONY: demo demo-province test test-all lint setup clean wheel bench

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "riskengine needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m compileall -q riskengine pipelines
	@touch $@

demo: setup
	$(BIN)/python examples/sba_7a/demo.py

demo-province: setup
	$(BIN)/python examples/province/demo.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long"

test-all: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

wheel: setup
	$(BIN)/python -m build --wheel --outdir dist .

bench: setup
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) dist $(SBA)/var var
