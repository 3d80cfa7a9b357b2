# Every target is listed by `make help`; what it does stands behind its ##.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
TARGET ?= sample
KUBERNETES ?=
ARGOCD ?=
PUSH ?=
# Debian's packages in the suite's image are those of a week, so that security updates arrive.
WEEK ?= $(shell date -u +%G-W%V)
ARGS ?=
VENV := .venv
RUN := $(VENV)/bin/python -m pullrecovery
TOOLS := $(VENV)/bin/python -m devtools
WITHOUT_ARGOCD := $(if $(filter 0,$(ARGOCD)),--no-argocd)
READY := $(VENV)/.ready
MUTMUT := $(VENV)-mutation/bin/mutmut
AUDIT := $(VENV)-audit/bin
# Diagnosis whole; of the tasks what judges, and not what remedies.
PREDICATES := 'pullrecovery.diagnosis.*' 'pullrecovery.tasks.*.x*_judge_*' \
  'pullrecovery.tasks.reg_00[12]_*.x__*' $(foreach name,listed nearest _rank _with_words _evidence,'pullrecovery.tasks.*.x_$(name)*')

.PHONY: help acceptance smoke demo test fuzz lint conformance bench mutation audit docs status gate dist suite-image lab lab-trials lab-down lab-status doctor clean clean-cache

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

acceptance: $(READY) ## raise the lab and prove every criterion [TARGET=dir] [KUBERNETES=1.37.2] [ARGOCD=0] [ARGS="-k …"]
	@$(RUN) acceptance --target "$(TARGET)" --kubernetes "$(KUBERNETES)" $(WITHOUT_ARGOCD) -- $(ARGS)

smoke: $(READY) ## one scenario a criterion, without Argo CD
	@$(RUN) acceptance --target "$(TARGET)" --kubernetes "$(KUBERNETES)" --no-argocd --smoke -- $(ARGS)

demo: $(READY) ## the whole recovery once, told step by step: five causes at once
	@$(RUN) acceptance --target "$(TARGET)" --kubernetes "$(KUBERNETES)" --no-argocd -- -k recovery_story -n 0 --dist no --capture no $(ARGS)

test: $(READY) ## the harness's own tests, no container engine needed [ARGS="-k …"]
	@$(VENV)/bin/python -m pytest tests $(ARGS)

fuzz: $(READY) ## run each file of property tests for a time [SECONDS=60] [ARGS="-k references"]
	@$(TOOLS) fuzz --seconds $(or $(SECONDS),60) -- $(ARGS)

lint: $(READY) ## ruff, mypy --strict, import-linter, deptry, actionlint
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/deptry pullrecovery ghcr_emulator fixtures acceptance
	@$(TOOLS) lint-workflows

conformance: $(READY) ## the OCI conformance suite against the GHCR emulator and against its storages
	@$(TOOLS) conformance

bench: $(READY) ## figures of the GHCR emulator, and of the recovery beside other ways [ARGOCD=1] [ARGS="--only emulator"]
	@$(TOOLS) bench --target "$(TARGET)" --kubernetes "$(KUBERNETES)" $(if $(filter 1,$(ARGOCD)),--argocd) $(ARGS)

mutation: $(MUTMUT) ## whether a changed criterion or diagnosis fails a test; some ten minutes, not in CI
	@$(MUTMUT) run $(PREDICATES)
	@$(MUTMUT) export-cicd-stats
	@$(VENV)-mutation/bin/python tests/mutation/score.py

audit: $(AUDIT)/pip-audit $(AUDIT)/govulncheck ## known vulnerabilities in what is locked; needs Go, npm and their databases, not in CI
	@tests/audit/audit "$(abspath $(AUDIT)/pip-audit)" "$(abspath $(AUDIT)/govulncheck)"

# Packages that npm's cache has are not asked for again.
docs: $(READY) ## build the site of docs/ into docs-site/build; a broken link fails it [REPOSITORY=https://github.com/owner/name]
	@npm_config_prefer_offline=true $(TOOLS) docs $(if $(REPOSITORY),--repository "$(REPOSITORY)")

status: $(READY) ## write docs/status.md and docs/detection-matrix.md from the last complete run [RESULT=file]
	@$(TOOLS) status $(RESULT)

gate: $(READY) ## the verdict on one revision, as a gate needs it [TARGET=dir] [REVISION=sha] [ARGS="--key gate.key"]
	@$(RUN) gate --target "$(TARGET)" --revision "$(or $(REVISION),HEAD)" --kubernetes "$(KUBERNETES)" $(ARGS)

dist: $(READY) ## build sdist, wheel and SBOM into dist/ and .reports/dist/
	@$(TOOLS) dist

# The token is in no argument and in no environment of what is started.
suite-image: $(READY) ## the image of the gate's hook and of the nightly CronJob [PUSH=ghcr.io/owner/name:tag, with GHCR_TOKEN] [WEEK=2026-W48]
	@$(if $(PUSH),printf '%s' "$$GHCR_TOKEN" |) env -u GHCR_TOKEN $(RUN) suite-image \
	  $(if $(PUSH),--push "$(PUSH)" --token-stdin) $(if $(WEEK),--week "$(WEEK)") $(ARGS)

lab: $(READY) ## start the lab alone, or use the healthy one again [ARGOCD=0]
	@$(RUN) lab up --kubernetes "$(KUBERNETES)" $(WITHOUT_ARGOCD)

lab-trials: $(READY) ## kill runs at random moments, and see that the next one recovers [SEED=n] [KILLS=20]
	@$(TOOLS) lab-trials --kubernetes "$(KUBERNETES)" $(if $(SEED),--seed $(SEED)) --kills $(or $(KILLS),20)

lab-down: $(READY) ## remove the lab: cluster, containers, network, engine if the lab started it
	@$(RUN) lab down

lab-status: $(READY) ## say what there is of the lab
	@$(RUN) lab status

doctor: $(READY) ## say whether the lab could run here, and what is missing
	@$(RUN) lab doctor

clean: $(READY) ## lab-down, and the reports; the cache stays
	@$(RUN) lab clean
	@rm -rf .reports

clean-cache: $(READY) ## clean, and the cache of tools and images
	@$(RUN) lab clean-cache
	@rm -rf .reports

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: Python 3.11 or newer is needed; name it with PYTHON=…" >&2; exit 2; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV) \
	  || { echo "error: python3-venv is missing; install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 2; }
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(MUTMUT): requirements.lock tests/mutation/requirements.lock
	@echo "setting up $(VENV)-mutation"
	@$(PYTHON) -m venv --clear $(VENV)-mutation
	@$(VENV)-mutation/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements.lock -r tests/mutation/requirements.lock
	@touch $@

$(AUDIT)/pip-audit: tests/audit/requirements.lock
	@echo "setting up $(VENV)-audit"
	@$(PYTHON) -m venv --clear $(VENV)-audit
	@$(AUDIT)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(AUDIT)/govulncheck: tests/audit/go.mod tests/audit/go.sum | $(AUDIT)/pip-audit
	@go build -C tests/audit -trimpath -o "$(abspath $@)" golang.org/x/vuln/cmd/govulncheck
