# Belfry: `make run` starts it, `make test` tests it. Each sets up what it needs.

DATA_DIR ?= ./belfry-data
LISTEN   ?= 127.0.0.1:2355
CARGO    ?= cargo
# Where `make setup` puts cargo on a machine that had none.
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: run test test-rust test-clients bench demo lint fuzz setup setup-clients clean

run: setup
	$(CARGO) build --release --locked --bin belfry
	target/release/belfry serve --data-dir $(DATA_DIR) --listen $(LISTEN)

test: setup test-rust test-clients

test-rust: setup
	$(CARGO) test --workspace --locked

# Real clients that we did not write, against a freshly built binary. Built as for the tests:
# `cargo build` alone would compile the engine a second time, with other features.
test-clients: setup setup-clients
	$(CARGO) test --workspace --locked --no-run
	tests/clients/run target/debug/belfry

bench: setup
	$(CARGO) bench --workspace --locked

# The whole story in a minute: metrics, an alarm, two notifications, logs, queries, a kill -9.
demo: setup setup-clients
	$(CARGO) test --workspace --locked --no-run
	tests/clients/demo target/debug/belfry

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

# FUZZ_SECONDS for each target; needs a nightly toolchain and cargo-fuzz.
fuzz:
	scripts/fuzz $(FUZZ_SECONDS)

setup:
	@scripts/setup

setup-clients:
	@tests/clients/setup

clean:
	$(CARGO) clean
	rm -rf .cache
