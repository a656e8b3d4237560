# Every target sets up what it needs and says so; nothing is done twice.
PYTHON ?= python3
BIN := .venv/bin
# A network, mounts and state folders of its own, so that nothing here is in the way or left behind.
APART := $(BIN)/python -m tests.hosts.apart

.PHONY: help demo test test-vm laws simulate mutants check crash chaos soak drill images bench clean

help:
	@echo "make demo     a shop of five services and three owners, from nothing to proven"
	@echo "make test     all tests, on Docker Engines of two generations that it brings along"
	@echo "make test-vm  the roads on a virtual machine: systemd, cgroup v2, AppArmor, a reboot"
	@echo "make laws     the laws over 300 stories each, other ones every time (make laws STORIES=3000)"
	@echo "make simulate the loop in simulated time, with faults, kills and clocks that jump (make simulate SECONDS=3600)"
	@echo "make mutants  small wrongs in the pure stages, each of which a test must find (half an hour)"
	@echo "make check    ruff, mypy --strict, import contracts"
	@echo "make crash    an apply, and the first of all, killed at each call in turn (an hour; goes on where it stopped)"
	@echo "make chaos    a server keeps a fleet while it, Docker, applies, boxes and its store are killed, filled up and lost (make chaos SECONDS=300)"
	@echo "make soak     5,000 boxes on crun whose makers and monitors are killed at random (make soak SECONDS=3600 LIVES=20000)"
	@echo "make drill    an operator's day on a real engine, and its reboot; the transcript is .cache/drill.txt"
	@echo "make images   the demo images, from Debian's own packages"
	@echo "make bench    ours and its peers in turn: speed and memory, a quarter of an hour"
	@echo "make clean    forget what was built or cached here; nothing outside this folder"

demo:
	@examples/demo.sh

test:
	@.ci/setup test
	@$(BIN)/python -m tests.run

test-vm:
	@.ci/setup vm
	@$(BIN)/python -m tests.vm

laws: STORIES ?= 300
laws:
	@.ci/setup check
	@LAW_STORIES=$(STORIES) $(BIN)/python -m pytest -q tests/laws/test_laws.py tests/laws/test_road.py

simulate: SECONDS ?= 300
simulate:
	@.ci/setup check
	@$(BIN)/python -m tests.simulation $(SECONDS)

mutants:
	@.ci/setup check
	@$(BIN)/python -m tests.mutants

check:
	@.ci/setup check
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy examples/images/build.py examples/images/builder
	@$(BIN)/mypy -p tests.hosts
	@$(BIN)/mypy -p benchmarks
	@$(BIN)/lint-imports

crash:
	@.ci/setup test
	@$(APART) $(BIN)/python -m tests.crash
	@$(APART) $(BIN)/python -m tests.crash --first

chaos: SECONDS ?= 300
chaos:
	@.ci/setup test
	@$(APART) $(BIN)/python -m tests.crash.chaos $(SECONDS)

soak: SECONDS ?= 1800
soak: LIVES ?= 5000
soak:
	@.ci/setup test
	@$(APART) $(BIN)/python -m tests.crash.soak $(SECONDS) $(LIVES)

drill:
	@.ci/setup test
	@.ci/setup vm
	@$(BIN)/python -m tests.drill .cache/drill.txt

images:
	@$(PYTHON) examples/images/build.py

bench:
	@.ci/setup test
	@$(APART) $(BIN)/python -m benchmarks

clean:
	@$(PYTHON) -m tests.hosts stop all
	@rm -rf .cache .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -rf build dist *.egg-info
