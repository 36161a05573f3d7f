# `make help` lists what there is.

.DEFAULT_GOAL := help
.PHONY: run test check lint unit tidy fmt services bench help

run: ## Build in release mode and serve on 127.0.0.1:8080, with everything in ./data; FEATURES=kafka-tls for Kafka
	cargo run --release --locked $(if $(FEATURES),--features $(FEATURES))

test: ## All tests, real servers included; a closing summary names what was skipped and why
	scripts/test

check: lint unit tidy ## Formatting, lints, unit tests, rules of the house: under a minute when nothing changed

lint: ## rustfmt and clippy, without mercy
	cargo fmt --all --check
	cargo clippy $$(scripts/everything) --all-targets --locked --quiet -- --deny warnings
	cargo clippy --locked --quiet -- --deny warnings

unit: ## Tests that need no server
	cargo test $$(scripts/everything) --locked --lib --bins --quiet

tidy: ## The rules that CONTRIBUTING.md tells, as a test
	cargo test --package weir --locked --test spec --quiet tidy::

fmt: ## Format everything
	cargo fmt --all

services: ## Install the servers that tests use into .services (needs root and Debian for some)
	scripts/install-services

bench: ## Measure, side by side with the limits of this machine; writes bench-results/
	benches/run

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
