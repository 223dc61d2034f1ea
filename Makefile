# make demo     environment, dependencies, then the main job on the embedded human sequence
# make test     environment, dependencies, then the test suite
# make figures  environment, dependencies, then every figure from the embedded data (docs/workflow.md); with
#               PROFILE=chr20 those of hg19 chr20, which takes hours and a network
# make install  environment only
# make notebooks  carries changes of analyses/notebooks between .py and .ipynb
# make docs     the documentation as a site in site/

PYTHON ?= python3
PROFILE ?= sample
CORES ?= 2
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: demo figures test install lint notebooks docs bedtools browser clean
.DEFAULT_GOAL := demo

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@sh .ci/make-venv.sh "$(PYTHON)" "$(VENV)"
	@echo "installing into $(VENV); the first time this takes some minutes"
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $(STAMP)

bedtools:
	@sh .ci/need-bedtools.sh

browser:
	@sh .ci/need-browser.sh

demo: install bedtools
	$(PY) -m grover_probe.selfsim

figures: install bedtools
	$(PY) -m snakemake -s analyses/Snakefile --configfile analyses/config/$(PROFILE).yaml --cores $(CORES)

test: install bedtools browser
	OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist loadfile

lint: install
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

notebooks: install
	$(PY) -m jupytext --sync analyses/notebooks/*.py

docs: install
	$(PY) -m mkdocs build --strict

clean:
	rm -rf $(VENV) selfsim-out
