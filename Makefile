# Targets only; what they do stands in tests/tools/ and tests/lab/.
PYTHON ?= /usr/bin/python3
VENV := .venv/bin/python
GALAXY := $(firstword $(wildcard .venv/bin/ansible-galaxy) ansible-galaxy)

.DEFAULT_GOAL := help
.PHONY: help prepare test lint cores unit grub rpms molecule live faults cuts test-cores test-stream9 test-streams test-faults test-vm test-arm test-registry demo lab clean \
  bench docs messages build

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

prepare:  ## install what the project needs: system packages, pinned tools in .venv
	@$(PYTHON) tests/tools/prepare.py

test: prepare  ## lint, each ansible-core, unit tests, and all scenarios on live hosts; STAGES=unit,lint for some of them
	@$(VENV) tests/tools/run_tests.py $(STAGES)

lint cores unit grub rpms molecule live faults cuts: prepare  ## one stage of the tests
	@$(VENV) tests/tools/run_tests.py $@

test-cores: prepare  ## sanity, unit tests, documentation and syntax on each ansible-core that has a Python here
	@$(VENV) tests/tools/run_tests.py all-cores

test-stream9: prepare  ## unit tests and comparisons of package files on Python 3.9 and rpm 4.16, as Stream 9 has them
	@$(VENV) tests/tools/run_tests.py stream9

test-streams: prepare  ## scenarios and what goes wrong on purpose, on both streams and with all cases; make test has a sample
	@$(VENV) tests/tools/run_tests.py streams

test-faults: prepare  ## stop jobs at every step of their ledger and write docs/faults.md; CUTS=--continue goes on
	@$(VENV) tests/cuts $(CUTS)

test-vm: prepare  ## tests on virtual machines: another kernel, a try that panics, oomd that kills, Secure Boot
	@$(VENV) tests/tools/run_tests.py vm

test-arm: prepare  ## one adoption and its way back on a virtual machine of aarch64, which is emulated
	@HYPERSCALE_LAB_ARCH=aarch64 $(VENV) tests/tools/run_tests.py arm

test-registry: prepare  ## host images that are pulled from a registry, which runs on this machine, and a scenario on them
	@$(VENV) tests/tools/run_tests.py registry

demo: prepare  ## adopt a fleet of three live hosts and show each before and after
	@$(VENV) tests/tools/demo.py

lab: prepare  ## leave three stock hosts standing to try things on
	@$(VENV) tests/tools/demo.py --only-hosts

clean: prepare  ## take away all hosts and servers of the lab, also after a crash
	@$(VENV) tests/lab clean

bench: prepare  ## measure adopt and a prediction against other ways to the same, as ratios
	@$(VENV) tests/benchmark/bench.py
	@$(VENV) tests/benchmark/prediction.py
	@$(VENV) tests/benchmark/ledger.py

docs: prepare  ## write the role tables of the READMEs and docs/checks.md anew from their tables
	@$(VENV) tests/tools/role_docs.py
	@$(VENV) tests/tools/check_docs.py

messages: prepare  ## print every text of the collection that a user may read as one page of Markdown
	@$(VENV) tests/tools/messages.py

build:  ## build the collection; needs ansible-core alone
	@command -v $(GALAXY) >/dev/null || { echo "build: there is no ansible-galaxy: install ansible-core with pip or dnf" >&2; exit 1; }
	@$(GALAXY) collection build --force
