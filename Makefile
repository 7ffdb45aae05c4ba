# make demo       install what is missing, grade the example hand-ins, say where the reports are
# make test       lint, types, layers and tests, from a clean clone; one example of each test (SAMPLE=all: all)
# make test-all   the same, with all examples and the tests that take long
# make docs       the documentation site, into site/; any warning is an error
# make bench      how fast, and how much memory
# make fuzz       hostile answers, notebooks and zips, for long: FUZZ=5000 examples of each property
# make texts      bring the catalogues of other languages in step with the code
# make accuracy   how often is the judge right, on thousands of generated programs (minutes)
#
# Another Python: make PYTHON=python3.12 test

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := reports/demo
FUZZ ?= 5000
SAMPLE ?= 1
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# A virtual environment that is switched on is not the one that is made here, and IPython warns of it.
unexport VIRTUAL_ENV
# Tests and benchmarks start the grader some hundred times: each would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE
# The theme would like to be replaced; which version runs is said in constraints.txt.
export NO_MKDOCS_2_WARNING = 1

.PHONY: demo test test-all lint types layers tests docs bench fuzz accuracy texts clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(VENV)/.installed
	@$(BIN)/grader check assignments/residual-blocks/examples --output $(DEMO)
	@echo
	@echo "The class:   $(CURDIR)/$(DEMO)/index.html"
	@echo "As data:     $(CURDIR)/$(DEMO)/results.json"
	@echo "Your own:    $(BIN)/grader check path/to/notebooks"

test: lint types layers tests

test-all: export GRADER_SLOW = 1
test-all: export GRADER_PROGRAMS = 400
test-all: SAMPLE = all
test-all: test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

layers: $(VENV)/.installed-dev
	$(BIN)/lint-imports

tests: $(VENV)/.installed-dev
	GRADER_SAMPLE=$(SAMPLE) $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=40

docs: $(VENV)/.installed-dev
	$(BIN)/python -m mkdocs build --strict

bench: $(VENV)/.installed
	@$(BIN)/python bench/speed.py
	@$(BIN)/python bench/wall.py

# What fails is left in tests/fuzz/corpus/<reader>/failing: mend the reader, and give the file a name.
fuzz: $(VENV)/.installed-dev
	GRADER_FUZZ=$(FUZZ) $(BIN)/python -m pytest -n 2 tests/fuzz --durations=0

accuracy: $(VENV)/.installed
	@$(BIN)/python bench/families.py
	@$(BIN)/python bench/accuracy.py
	@$(BIN)/python bench/essays.py

texts: $(VENV)/.installed-dev
	$(BIN)/python tools/texts.py

clean:
	rm -rf $(VENV) $(DEMO) site dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Installing again is needed when what is to be installed changes, and then only what changed.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV) (torch is large: this takes a few minutes the first time) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@tools/system.sh $(PYTHON) browser
	@echo "installing into $(VENV), with the tools for tests ..."
	@$(PIP) --editable '.[dev,docs]'
	@touch $@ $(VENV)/.installed

$(BIN)/python:
	@tools/system.sh $(PYTHON)
	@$(PYTHON) -m venv $(VENV)
