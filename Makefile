# make PYTHON=python3.12 chooses the interpreter; everything else happens in .venv.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-vllm serve bench
# A recipe line that fails ends the run, also under make -j.
.NOTPARALLEL:

PYTHON ?= python3
BIN := .venv/bin
say = @printf '\n==> %s\n' "$(1)"

help: ## show this list
	@grep -hE '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.* ## /\1\t/' | expand -t 10

setup: .venv/installed ## make .venv with everything the other targets need

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Hopcite needs Python 3.11 or newer; name one: make setup PYTHON=python3.12" >&2; exit 2; }
	$(call say,Python environment in .venv ($(PYTHON)))
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1'
	$(call say,Packages: some minutes the first time)
	@$(BIN)/python -m pip install -qq --constraint constraints.txt --editable . --group dev
	@touch $@

demo: setup ## answer three questions about samples/, each from several documents
	$(call say,Models: downloaded once and kept for every checkout)
	@$(BIN)/hopcite models pull
	$(call say,Ingest samples/)
	@$(BIN)/hopcite ingest samples
	$(call say,A bridge: the first document names whom to look up in the second)
	@$(BIN)/hopcite ask "In which village was the designer of the Skelbarrow Observatory born?"
	$(call say,A longer bridge: from a ferry to a keeper to a lighthouse to its engineer)
	@$(BIN)/hopcite ask "Who designed the lighthouse whose first keeper gave her name to the ferry MV Isolde Farrant?"
	$(call say,A comparison)
	@$(BIN)/hopcite ask "Which newspaper is older, the Quenholm Courier or the Ossel Gazette?"
	$(call say,Done. For the chat page run 'make serve' and open http://127.0.0.1:8000/)

test: setup ## lint, types, import order, and all tests that this machine can run
	$(call say,ruff)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	$(call say,mypy --strict)
	@$(BIN)/mypy
	$(call say,import order)
	@$(BIN)/lint-imports
	$(call say,Models (HOPCITE_TEST_NO_MODELS=1 leaves out the tests that need them))
	@test "$${HOPCITE_TEST_NO_MODELS:-}" = 1 || $(BIN)/hopcite models pull
	$(call say,pytest)
	@$(BIN)/pytest

test-vllm: setup .venv-vllm/model ## the tests marked vllm, against a real vLLM on this machine's CPU (5 GB the first time)
	$(call say,vLLM: it takes a minute or two to start; its logs are .venv-vllm/*.log)
	@$(BIN)/python -m tests.vllm.serve $(BIN)/pytest -m vllm

.venv-vllm/installed: tests/vllm/environment.py
	$(call say,vLLM in .venv-vllm: some minutes the first time)
	@$(PYTHON) -m tests.vllm.environment .venv-vllm
	@touch $@

.venv-vllm/model: .venv-vllm/installed tests/vllm/convert.py | setup
	$(call say,The model as vLLM reads it)
	@$(BIN)/hopcite models pull qwen2.5-coder-0.5b-instruct-q4_k_m
	@$(BIN)/python -m tests.vllm.convert qwen2.5-coder-0.5b-instruct-q4_k_m $@

serve: setup ## the chat page and the API on http://127.0.0.1:8000/
	@$(BIN)/hopcite serve

bench: setup ## the measurements in benchmarks/: make bench DATA=folder-of-hotpotqa
	@test -n "$(DATA)" || { echo "Name HotpotQA's folder (corpus.jsonl.gz, dev.jsonl.gz): make bench DATA=..." >&2; exit 2; }
	$(call say,Ingest: at least 80% of the bare encoder)
	@$(BIN)/python benchmarks/ingest_throughput.py --data "$(DATA)"
	$(call say,Search: under 3 times the embedding; the first time the corpus is ingested)
	@$(BIN)/hopcite eval run hotpotqa --data "$(DATA)" --split dev --system hops --retrieval-only
	@$(BIN)/python benchmarks/search.py --data "$(DATA)"
