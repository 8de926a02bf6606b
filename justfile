# What CI does, on one machine. `just` lists the recipes; https://just.systems has the program.

export CARGO_PROFILE_DEV_DEBUG := "0"

[private]
default:
    @just --list

# Everything that CI checks here
ci: fmt lint test deny unused spelling

# Formatting
fmt:
    cargo fmt --all -- --check

# Lints
lint:
    cargo clippy --all-targets --locked -- -D warnings

# Every test, at an hour that is drawn (`SEED=N just test` draws it again)
test:
    .ci/at-drawn-hour cargo test --locked

# Every test, those with outside programs included
everything:
    .ci/run

# Licences, advisories and sources of dependencies: cargo install cargo-deny
deny:
    cargo deny check

# Dependencies that nothing uses: cargo install cargo-machete
unused:
    cargo machete

# Spelling: cargo install typos-cli
spelling:
    typos

# The oldest Rust that this builds with
minimum:
    cargo +$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) check --locked

# The schemas of all tools, after a change to one
schemas:
    cargo run -- schemas

# Snapshots of answers, after they were read: cargo install cargo-insta
snapshots:
    cargo insta review
