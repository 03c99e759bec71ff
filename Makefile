# `make run` and `make test` are all a fresh clone needs.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
CHROMIUM = $(firstword $(foreach b,chromium chromium-browser google-chrome,$(shell command -v $(b) 2>/dev/null)))
PROXIES := caddy nginx-light openssl systemd
ENGINES := chromium-driver firefox-esr webkit2gtk-driver xauth xvfb

.DEFAULT_GOAL := help
.PHONY: help run test test-browsers libreoffice faults outbox-kill9 restore-drill rotate-drill migration-drill \
  disk-first flood brute-force double-submit deploy-check fhir-schema fhir-renderer check score messages lock chromium engines calc npm pango \
  proxies php strace clean

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

faults: .venv/installed ## What mail servers do to us, on a real one (DB=sqlite or postgres; both without it)
	DB=$(DB) CYCLES=$(CYCLES) $(BIN)/pytest tests/faults -s $(ARGS)

outbox-kill9: .venv/installed ## Two mail workers killed at random moments: nothing is lost (CYCLES=40, DB=sqlite|postgres)
	@DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.outbox_kill9

flood: .venv/installed ## 200 requests a second on one clinic, people at another meanwhile (CYCLES=40, DB=sqlite|postgres)
	@DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.flood

brute-force: .venv/installed ## Passwords tried from 50 addresses; the owners still get in (CYCLES=1000, DB=...)
	@DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.brute_force

double-submit: .venv/installed ## One form sent by 2 to 8 at once: one request, receipt and set of mails (CYCLES=500, DB=...)
	@DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.double_submit

deploy-check: .venv/installed proxies ## The systemd units and the examples for nginx and Caddy, read by these programs
	$(BIN)/pytest tests/deploy $(ARGS)

fhir-schema: .venv/installed npm ## What we write as FHIR, judged by the R4 4.0.1 schema and a validator (npm)
	$(BIN)/pytest tests/foreign/test_schema.py $(ARGS)

fhir-renderer: .venv/installed chromium npm ## Our FHIR Questionnaire filled in with LHC-Forms, and its response read (npm)
	$(BIN)/pytest tests/foreign/test_renderer.py $(ARGS)

restore-drill: .venv/installed ## Backups while requests come in, put back elsewhere: nothing acknowledged is missing (CYCLES=3, DB=...)
	@DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.restore_drill

rotate-drill: .venv/installed ## Keys changed while requests come in, killed inside: every row opens (CYCLES=5, DB=...)
	@DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.rotate_drill

migration-drill: .venv/installed ## Setups killed at random moments leave the database old or new (CYCLES=40, DB=sqlite|postgres)
	@DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.migration_drill

disk-first: .venv/installed strace ## A request is on disk before it is answered, seen by strace (CYCLES=20, DB=sqlite|postgres)
	@DB=$(DB) CYCLES=$(CYCLES) PYTHONPATH=.:tests $(BIN)/python -m faults.disk_first

check: .venv/installed ## Style, types and the arrow between rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

score: .venv/installed ## How the vignettes come out: sensitivity, specificity, under- and over-triage
	$(BIN)/python tests/score.py $(ARGS)

.PHONY: asvs audit sbom
asvs: .venv/installed ## Each id of OWASP ASVS 5.0 that applies has a state, and a test that is there or a reason
	@PYTHONPATH=tests $(BIN)/python -m asvs

audit: .release/installed ## Packages we pin that are known to be vulnerable (needs the network)
	@.release/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements.txt $(ARGS)

sbom: .release/installed ## What an installation is made of, as CycloneDX in dist/
	@mkdir -p dist
	@.release/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --validate -o dist/sbom.cdx.json requirements.txt
	@.release/bin/python -c 'import json; found = json.load(open("dist/sbom.cdx.json")); \
	  print("dist/sbom.cdx.json: CycloneDX", found["specVersion"], "and valid,", len(found["components"]), "components")'

.PHONY: bench
bench: .venv/installed ## Goals of speed beside their limits, into docs/performance.md (ROWS=S1,S7 DB=sqlite|postgres)
	@DB=$(DB) ROWS=$(ROWS) PYTHONPATH=.:tests $(BIN)/python -m bench

messages: .venv/installed ## Bring the catalogue for translators up to the texts of today, and tell what is to do
	$(BIN)/python tests/messages.py

lock: .venv/installed ## Renew the pins and hashes in requirements.txt
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-annotate \
	  --universal --python-version 3.11 -o requirements.txt --upgrade --quiet

chromium:
	@[ -n "$(CHROMIUM)" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the browser tests" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else \
	  echo "The browser tests need Chromium. Install it (Debian: sudo apt install chromium) and run again." >&2; exit 1; \
	fi

engines:
	@for each in chromedriver firefox-esr WebKitWebDriver xvfb-run xauth; do command -v $$each >/dev/null || missing=1; done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Firefox ESR, WebKitGTK and the browsers' drivers" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(ENGINES) >/dev/null; \
	else \
	  echo "This needs three browsers. Install them (Debian: sudo apt install $(ENGINES)) and run again." >&2; exit 1; \
	fi

calc:
	@command -v soffice >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing LibreOffice Calc" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libreoffice-calc-nogui >/dev/null; \
	else \
	  echo "This needs LibreOffice Calc. Install it (Debian: sudo apt install libreoffice-calc-nogui) and run again." >&2; exit 1; \
	fi

npm:
	@command -v npm >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing npm for the programs of other makers" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >/dev/null; \
	else \
	  echo "This needs npm. Install it (Debian: sudo apt install npm) and run again." >&2; exit 1; \
	fi

pango:
	@$(BIN)/python -c 'import weasyprint' 2>/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Pango for the PDF copies" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 \
	    libharfbuzz-subset0 fonts-dejavu-core >/dev/null; \
	else \
	  echo "The PDF tests need Pango. Install it (Debian: sudo apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0) and run again." >&2; exit 1; \
	fi

proxies:
	@for each in nginx caddy systemd-analyze openssl; do command -v $$each >/dev/null || missing=1; done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing nginx, Caddy and systemd to read their examples" && apt-get update -qq && \
	  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PROXIES) >/dev/null; \
	else \
	  echo "This needs nginx, Caddy and systemd. Install them (Debian: sudo apt install $(PROXIES)) and run again." >&2; exit 1; \
	fi

php:
	@command -v php >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing PHP for the tests of the WordPress plugin" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends php-cli >/dev/null; \
	else \
	  echo "The tests of the WordPress plugin need PHP. Install it (Debian: sudo apt install php-cli) and run again." >&2; exit 1; \
	fi

strace:
	@command -v strace >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing strace" && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace >/dev/null; \
	else \
	  echo "This needs strace. Install it (Debian: sudo apt install strace) and run again." >&2; exit 1; \
	fi

clean: ## Delete what was installed and cached; keeps instance/
	rm -rf .venv .release dist .foreign .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache screenshots

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "Python has no venv here. Install it (Debian: sudo apt install python3-venv)." >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Apart from the app's own packages: these are not what an installation runs.
.release/installed: Makefile
	@$(PYTHON) -m venv .release
	@.release/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1 cyclonedx-bom==7.5.0
	@touch $@
