# Each target sets up all it needs; only Python 3.11+ and make are assumed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The version that was run. A range that admits a newer one may fetch a CUDA build of several gigabytes.
TORCH ?= torch==2.13.0
# Where the benchmark of the search engine keeps its data and indexes: 28 GB.
BENCH ?= bench-work

.PHONY: demo test check lint bench bench-scale fuzz soak test-slow clean

demo: $(VENV)/.base
	$(BIN)/swath demo --into demo-archive

test: $(VENV)/.dev
	$(BIN)/pytest -q -m "not slow" -n auto --dist loadfile

test-slow: $(VENV)/.dev
	$(BIN)/pytest -q -m slow --timeout 3600

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.search
	$(BIN)/python -m benchmarks.serve --out docs/benchmarks/serve.md
	for dim in 384 512; do $(BIN)/python -m benchmarks.engine --dim $$dim --work $(BENCH) --out docs/benchmarks/engine-$$dim.md || exit; done

# 1 M and 10 M rows, and the service over the smaller one: 45 GB of disk.
bench-scale: $(VENV)/.dev
	for rows in 1000000 10000000; do $(BIN)/python -m benchmarks.scale run $(BENCH)/rows-$$rows --rows $$rows || exit; done
	$(BIN)/python -m benchmarks.scale report $(BENCH)/rows-1000000 $(BENCH)/rows-10000000 --out docs/benchmarks/scale.md
	$(BIN)/python -m benchmarks.serve_scale $(BENCH)/rows-1000000 --out docs/benchmarks/serve-scale.md

# 175,500 mutated inputs, then 2,000 a target chosen by coverage; what a reader falls over is kept in fuzz-work/faults.
fuzz: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --editable ".[fuzz]"
	$(BIN)/python -m benchmarks.fuzz --work fuzz-work --out fuzz-work/table.md
	for target in cql2-json geojson-area geotiff knowledge-markdown lance-manifest stac-item; do $(BIN)/python -m benchmarks.fuzz_coverage $$target --work fuzz-work || exit; done

# An hour; five minutes of it are in test-slow.
soak: $(VENV)/.dev
	$(BIN)/python -m benchmarks.soak --minutes 60 --out docs/benchmarks/soak.md

$(VENV)/.base: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Swath needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# torch first and alone, so that the resolver keeps it
$(VENV)/.dev: $(VENV)/.base
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable ".[torch,datasets,distributed,dev]"
	touch $@

clean:
	rm -rf $(VENV) demo-archive fuzz-work build dist
