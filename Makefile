# Every target sets up what it needs and says so; nothing is done twice.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test check images bench clean

help:
	@echo "make demo     a shop of five services and three owners, from nothing to proven"
	@echo "make test     all tests, on Docker Engines of two generations that it brings along"
	@echo "make check    ruff, mypy --strict, import contracts"
	@echo "make images   the demo images, from Debian's own packages"
	@echo "make bench    what a short command costs beyond its packages' import"
	@echo "make clean    forget what was built or cached here; nothing outside this folder"

demo:
	@examples/demo.sh

test:
	@.ci/setup test
	@$(BIN)/python -m pytest

check:
	@.ci/setup check
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy examples/images/build.py examples/images/builder
	@$(BIN)/mypy -p tests.hosts
	@$(BIN)/lint-imports

images:
	@$(PYTHON) examples/images/build.py

bench:
	@.ci/setup test
	@$(BIN)/python benchmarks/startup.py

clean:
	@$(PYTHON) -m tests.hosts stop all
	@rm -rf .cache .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -rf build dist *.egg-info
