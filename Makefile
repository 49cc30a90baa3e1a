# Everything here needs Python 3.11+, make and git; the rest is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# What the faults and the soak draw by chance comes from it.
SEED ?= 1
# The operator's commands never fall back to some stack. OUTPUTS: what `pulumi stack output --json` printed.
WHICH = $(if $(OUTPUTS),--outputs $(OUTPUTS),--stack $(or $(STACK),$(error say which stack: make $@ STACK=prod, or OUTPUTS=file)))

.DEFAULT_GOAL := help
.PHONY: help install demo local preview examples test check bench scale cost docs format lock clean engine faults mutants mutation \
	soak dead-letters explain redrive quarantine replay discard verify

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

install: $(INSTALLED)  ## create .venv from the lock file

demo: $(INSTALLED)  ## deploy on this machine, run every scenario, show it
	$(BIN)/python -m local demo

local: $(INSTALLED)  ## deploy on this machine and keep it running
	$(BIN)/python -m local up

preview: $(INSTALLED)  ## show what a stack would create: make preview STACK=prod JSON=1
	@$(BIN)/python -m local preview --stack $(or $(STACK),dev) $(if $(JSON),--json)

examples: $(INSTALLED)  ## run the examples with the built wheel, here
	$(BIN)/python -m pytest tests/package

test: $(INSTALLED)  ## run all tests
	$(BIN)/python -m pytest

# Needs the Pulumi CLI; where there is none and Go is, it is built into the user's cache first.
engine: $(INSTALLED)  ## run the stacks and examples under the real Pulumi engine, without AWS
	@$(BIN)/python -m tests.engine.pulumi_cli
	$(BIN)/python -m pytest tests/engine -m "engine or not engine"

faults: $(INSTALLED)  ## crash everywhere, in every order; a small profile is in the tests
	$(BIN)/python -m tests.faults --seed $(SEED)

mutants: $(INSTALLED)  ## put known defects in, one at a time, and see the tests find each
	$(BIN)/python -m tests.faults.mutants

mutation: $(INSTALLED)  ## change the code in thousands of ways, and see the tests notice: make mutation ONLY=runtime/rows.py
	$(BIN)/python -m tests.mutation $(ONLY)

soak: $(INSTALLED)  ## a thousand messages through the deployment on this machine, providers misbehaving
	$(BIN)/python -m tests.faults.soak --seed $(SEED)

dead-letters: $(INSTALLED)  ## list what was given up on, and what a redrive would do: make dead-letters STACK=prod
	@$(BIN)/python -m operations $@ $(WHICH)

explain: $(INSTALLED)  ## say what became of a message: make explain STACK=prod ID=...
	@$(BIN)/python -m operations $@ $(WHICH) $(or $(ID),$(error say which message: make $@ ... ID=...))

# RESEND: ids of messages whose last step is to be sent again although it may have gone out.
redrive: $(INSTALLED)  ## put dead letters back, except what may send twice: make redrive STACK=prod
	@$(BIN)/python -m operations $@ $(WHICH) $(addprefix --resend ,$(RESEND))

quarantine: $(INSTALLED)  ## list events that were set aside: make quarantine STACK=prod
	@$(BIN)/python -m operations $@ $(WHICH)

replay: $(INSTALLED)  ## put set-aside events on the stream again, after a fix: make replay STACK=prod
	@$(BIN)/python -m operations $@ $(WHICH)

# MESSAGE: what the lists have in brackets; several with blanks between them, in quotes.
discard: $(INSTALLED)  ## delete what can never be put back: make discard STACK=prod MESSAGE=...
	@$(BIN)/python -m operations $@ $(WHICH) $(or $(MESSAGE),$(error say which SQS message: make $@ ... MESSAGE=...))

# Sends a mail from SENDER and a text from TEXT_SENDER to the services' simulators; TEXT_RECIPIENT is that of another country.
verify: $(INSTALLED)  ## see that receipts come back: make verify STACK=prod SENDER=shop@... TEXT_SENDER=+1...
	@$(BIN)/python -m operations $@ $(WHICH) $(addprefix --mail-sender ,$(SENDER)) $(addprefix --text-sender ,$(TEXT_SENDER)) \
		$(addprefix --text-recipient ,$(TEXT_RECIPIENT))

check: $(INSTALLED)  ## lint, formatting, types and generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check

bench: $(INSTALLED)  ## measure the functions next to a naive design
	$(BIN)/python -m bench

scale: $(INSTALLED)  ## simulate a million messages at once and ten million a day, with AWS's quotas
	$(BIN)/python -m bench.scale

cost: $(INSTALLED)  ## dollars per million messages, from measured calls
	$(BIN)/python -m bench.cost

docs: $(INSTALLED)  ## rewrite the generated parts of the documents
	$(BIN)/python docs/generate.py

format: $(INSTALLED)  ## rewrite the formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## resolve pyproject.toml anew into requirements.lock (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml -o requirements.lock

clean:  ## remove everything that the other targets made
	rm -rf .venv .venv-oldest .local .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
