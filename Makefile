# `make run` and `make test` are all a fresh clone needs.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
CHROMIUM = $(firstword $(foreach b,chromium chromium-browser google-chrome,$(shell command -v $(b) 2>/dev/null)))
PROXIES := caddy haproxy nginx-light openssl systemd
PANGO := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core
ENGINES := chromium-driver firefox-esr webkit2gtk-driver xauth xvfb

.DEFAULT_GOAL := help
.PHONY: help run test test-browsers libreoffice proofs kill9 faults outbox-kill9 soak restore-drill rotate-drill \
  migration-drill disk-first flood brute-force double-submit rolling-restart failover-drill canary dast fuzz \
  deploy-check fhir-schema fhir-renderer check coverage mutation score asvs audit sbom messages lock chromium engines \
  calc npm pango proxies php sqlmap strace clean

help: ## Show what can be made
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: .venv/installed ## Set up on first use, then serve the demo on http://localhost:8000 (PORT=...)
	@$(BIN)/screener setup
	@$(BIN)/screener demo
	@$(BIN)/screener serve --demo --port $(PORT)

test: .venv/installed chromium pango php ## Run the whole suite, browser included
	$(BIN)/pytest -n auto $(ARGS)

test-browsers: .venv/installed chromium engines ## The patient's way and the widget in Chromium, Firefox ESR and WebKitGTK
	xvfb-run -a $(BIN)/pytest tests/engines $(ARGS)

libreoffice: .venv/installed calc ## Exports as LibreOffice opens them: no cell of theirs is a formula
	$(BIN)/pytest tests/libreoffice $(ARGS)

# Rigs: on DB=sqlite or DB=postgres, both without it; CYCLES= for more or fewer turns than their short setting.
RIG = @DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults

proofs: .venv/installed strace proxies ## The rigs below one after the other, and a table of what came of them (RIGS="kill9 ...")
	@RIGS="$(RIGS)" DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.proofs

kill9: .venv/installed ## App and database killed while people send requests: no receipt is lost (CYCLES=60)
	$(RIG).kill9

faults: .venv/installed ## Mail servers that fail, a full disk (needs root), a database that is away
	@RIGS="smtp disk-full database-away" DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.proofs

outbox-kill9: .venv/installed ## Two workers of mail and webhooks killed at random moments: nothing is lost (CYCLES=40)
	$(RIG).outbox_kill9

soak: .venv/installed ## Patients, staff and the worker for a long time: nothing grows that should not (MINUTES=60)
	@MINUTES=$(MINUTES) DB=$(DB) PYTHONPATH=.:tests $(BIN)/python -m faults.soak

flood: .venv/installed ## 200 requests a second on one clinic, people at another meanwhile (CYCLES=40)
	$(RIG).flood

brute-force: .venv/installed ## Passwords tried from 50 addresses; the owners still get in (CYCLES=1000)
	$(RIG).brute_force

double-submit: .venv/installed ## One form sent by 2 to 8 at once: one request, receipt and set of mails (CYCLES=500)
	$(RIG).double_submit

deploy-check: .venv/installed proxies ## The systemd units and the examples for nginx, Caddy and HAProxy, read by these programs
	$(BIN)/pytest tests/deploy $(ARGS)

canary: .venv/installed pango ## A word of its own into every field, looked for where none may be (DB=, PLANT=1 to see it fail)
	@DB=$(DB) PYTHONPATH=.:tests $(BIN)/python -m probes.canary $(if $(PLANT),--plant)

dast: .venv/installed .foreign/wapiti/installed sqlmap ## Scanners at every form and parameter: wapiti, sqlmap (MINUTES=30, DB=, LEVEL=1)
	@DB=$(DB) MINUTES=$(MINUTES) LEVEL=$(LEVEL) KEEP=$(KEEP) PYTHONPATH=.:tests $(BIN)/python -m probes.dast

fuzz: .venv/installed .foreign/atheris/installed ## Random forms, journeys, files and FHIR (CYCLES=10000 forms, MINUTES=20)
	@CYCLES=$(CYCLES) MINUTES=$(MINUTES) PYTHONPATH=.:tests $(BIN)/python -m probes.fuzz

fhir-schema: .venv/installed npm ## What we write as FHIR, judged by the R4 4.0.1 schema and a validator (npm)
	$(BIN)/pytest tests/foreign/test_schema.py $(ARGS)

fhir-renderer: .venv/installed chromium npm ## Our FHIR Questionnaire filled in with LHC-Forms, and its response read (npm)
	$(BIN)/pytest tests/foreign/test_renderer.py $(ARGS)

restore-drill: .venv/installed ## Backups while requests come in, put back elsewhere: nothing acknowledged is missing (CYCLES=3, FILLED=)
	$(RIG).restore_drill

rotate-drill: .venv/installed ## Keys changed while requests come in, killed inside: every row opens (CYCLES=5)
	$(RIG).rotate_drill

migration-drill: .venv/installed ## Setups killed at random moments leave the database old or new (CYCLES=40)
	$(RIG).migration_drill

disk-first: .venv/installed strace ## A request is on disk before it is answered, seen by strace (CYCLES=20)
	$(RIG).disk_first

rolling-restart: .venv/installed proxies ## Four servers behind HAProxy restarted in turn: no request fails (CYCLES=3)
	$(RIG).rolling_restart

failover-drill: .venv/installed ## PostgreSQL's primary killed, its standby promoted: nothing acknowledged is lost (CYCLES=5)
	$(RIG).failover_drill

.PHONY: desk-cost
desk-cost: .venv/installed ## Processor time and statements of each page of the desk, on the demo that is there
	@PYTHONPATH=.:tests $(BIN)/python -m scale.pages

check: .venv/installed ## Style, types, the arrow between rooms, and the documents with their links
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build

coverage: .venv/installed chromium pango php ## The whole suite again, counting branches: all in the rooms of tests/rooms.py, 95 % in all
	$(BIN)/pytest -n auto --cov --cov-report= $(ARGS)
	@$(BIN)/python tests/covered.py

mutation: .venv/installed ## Small mistakes on purpose: how many the tests of a room notice (ROOM=domain|vault|tenancy|outbox|sign_in|rights)
	@ROOM=$(ROOM) AGAIN=$(AGAIN) MUTANT=$(MUTANT) SAMPLE=$(SAMPLE) $(BIN)/python tests/mutation.py

score: .venv/installed ## How the vignettes come out: sensitivity, specificity, under- and over-triage
	$(BIN)/python tests/score.py $(ARGS)

asvs: .venv/installed ## Each id of OWASP ASVS 5.0 that applies has a state, and a test that is there or a reason
	@PYTHONPATH=tests $(BIN)/python -m asvs

audit: .release/installed ## Packages we pin that are known to be vulnerable (needs the network)
	@.release/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements-dev.txt $(ARGS)

sbom: .release/installed ## What an installation is made of, as CycloneDX in dist/
	@mkdir -p dist
	@.release/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --validate -o dist/sbom.cdx.json requirements.txt
	@.release/bin/python -c 'import json; found = json.load(open("dist/sbom.cdx.json")); \
	  print("dist/sbom.cdx.json: CycloneDX", found["specVersion"], "and valid,", len(found["components"]), "components")'

.PHONY: bench
bench: .venv/installed ## Goals of speed beside their limits, into docs/performance.md (ROWS=S1,S7 DB=sqlite|postgres)
	@DB=$(DB) ROWS=$(ROWS) PYTHONPATH=.:tests $(BIN)/python -m bench

.PHONY: site pictures commands
site: .venv/installed ## The documents as a site in site/, which opens from the disk
	$(BIN)/mkdocs build

pictures: .venv/installed chromium ## The pictures of the README, from a demo of their own
	@PYTHONPATH=.:tests $(BIN)/python tests/pictures.py

commands: .venv/installed ## docs/commands.md, from the commands themselves
	@$(BIN)/python tests/command_page.py

messages: .venv/installed ## Bring the catalogue for translators up to the texts of today, and tell what is to do
	$(BIN)/python tests/messages.py

lock: .venv/installed ## Renew the pins and hashes: requirements.txt to serve, requirements-dev.txt for a checkout
	$(BIN)/pip install --quiet uv
	$(LOCK) --extra build -o requirements.txt --upgrade
	$(LOCK) --extra build --extra dev -c requirements.txt -o requirements-dev.txt --upgrade

LOCK = $(BIN)/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --no-annotate --universal \
  --python-version 3.11 --quiet

# $(call debian,command that succeeds where it is there,Debian's packages,what to say where we may not install them)
define debian
@( $(1) ) >/dev/null 2>&1 && exit 0; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
  echo "Installing $(2)" && apt-get update -qq && \
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
else \
  echo "$(3). Install it (Debian: sudo apt install $(2)) and run again." >&2; exit 1; \
fi
endef
commands = for each in $(1); do command -v $$each || exit 1; done

chromium:
	$(call debian,[ -n "$(CHROMIUM)" ],chromium fonts-dejavu-core,The browser tests need Chromium)

pango: .venv/installed
	$(call debian,$(BIN)/python -c 'import weasyprint',$(PANGO),The PDF tests need Pango)

php:
	$(call debian,$(call commands,php),php-cli,The tests of the WordPress plugin need PHP)

engines:
	$(call debian,$(call commands,chromedriver firefox-esr WebKitWebDriver xvfb-run xauth),$(ENGINES),This needs three browsers)

proxies:
	$(call debian,$(call commands,nginx caddy haproxy systemd-analyze openssl),$(PROXIES),This needs three proxies and systemd)

calc:
	$(call debian,$(call commands,soffice),libreoffice-calc-nogui,This needs LibreOffice Calc)

npm sqlmap strace:
	$(call debian,$(call commands,$@),$@,This needs $@)

# Tools with dependencies of their own, which must not become ours.
.foreign/wapiti/installed:
	@$(PYTHON) -m venv .foreign/wapiti && .foreign/wapiti/bin/pip install --quiet wapiti3==3.2.3 && touch $@

.foreign/atheris/installed: .venv/installed
	@$(BIN)/python -m venv .foreign/atheris && .foreign/atheris/bin/pip install --quiet atheris==3.0.0 && touch $@

clean: ## Delete what was installed and cached; keeps instance/
	rm -rf .venv .release .foreign .mutation dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache screenshots site

.venv/installed: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "Python has no venv here. Install it (Debian: sudo apt install python3-venv)." >&2; exit 1; }
	@echo "Setting up .venv. This takes a few minutes, once."
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Apart from the app's own packages: these are not what an installation runs.
.release/installed: Makefile
	@$(PYTHON) -m venv .release
	@.release/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1 cyclonedx-bom==7.5.0
	@touch $@
