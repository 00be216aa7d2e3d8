# Every target sets up what it needs; a second call starts at once.
PYTHON ?= python3.11
BIN := .venv/bin
QUIET := LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_MODE=PRODUCTION GX_ANALYTICS_ENABLED=false \
  RAY_USAGE_STATS_ENABLED=0 PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1 \
  NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
export ANOPS_HOME ?= $(CURDIR)/.anops

.PHONY: run serve test quick lint format types imports bench deep fuzz golden catalogue setup lock clean

run: setup
	$(QUIET) $(BIN)/anops run

serve: setup
	$(QUIET) $(BIN)/anops serve

# A file's tests stay together, so that what they share is made once.
test: setup
	$(QUIET) $(BIN)/pytest -n 2 --dist loadfile

quick: setup
	$(QUIET) $(BIN)/pytest -m "not slow"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

# The neural families, where PyTorch may be fetched; elsewhere their tests skip and say so.
deep: setup
	$(BIN)/python -m pip install --quiet "torch>=2.13,<2.14"
	$(QUIET) $(BIN)/pytest tests/tasks/anomaly/families

bench: setup
	$(QUIET) $(BIN)/python -m tests.benchmarks

fuzz: setup
	$(QUIET) $(BIN)/python -m tests.fuzzing --minutes 60

golden: setup
	$(QUIET) $(BIN)/pytest tests/golden --regenerate-golden

catalogue: setup
	$(BIN)/python -m semantic_layer.catalogue_page
	$(BIN)/python -m semantic_layer.editor_schemas
	$(BIN)/python -m deployments.reference_page

setup: .venv/ready

# uv installs the hashed lock in seconds; where it cannot reach an index, pip does the same slowly.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r constraints.txt \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e . \
	  || $(BIN)/python -m pip install --quiet --no-deps -e .
	touch $@

lock:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate \
	  --extra dev --python-version 3.11 pyproject.toml -o constraints.txt

clean:
	rm -rf .venv .anops
