PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PINS = setup.cfg pyproject.toml constraints.txt

.PHONY: demo test test-slow lint clean clean-venv

demo: $(VENV)/installed
	$(BIN)/harness run docs/demo.yaml
	@echo
	@echo "As CSV, with every metric and cost: results/customer_emails/table.csv"
	@echo "Your own data: write a task YAML (tasks/README.md shows one), then:"
	@echo "  $(BIN)/harness run --task my_task.yaml --labels 8/class,all"

test: lint
	$(BIN)/python -m pytest

test-slow: $(VENV)/installed-test
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

$(VENV)/installed: $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Installing into $(VENV): about 2 minutes, longer where PyTorch comes with GPU libraries"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "Installing the tools for the tests: about half a minute"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

clean-venv:
	rm -rf $(VENV)
