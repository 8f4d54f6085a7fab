#!/usr/bin/env bash
# jiff's Timestamp can't hold 9999-12-31, the date that databases store for "never".
#
# Expected: a library of dates whose civil years go to 9999 has an instant for the last second of 9999
#   in UTC. MongoDB's data often has 9999-12-31T23:59:59Z as "no end", BSON has milliseconds far beyond
#   it, and MongoDB's $dateToString prints it.
# Seen: Timestamp::MAX is 9999-12-30T22:00:00.999999999Z, so that an offset of up to 25:59:59 never leaves
#   the civil range. Parsing 9999-12-31T23:59:59Z as a Timestamp is an error, also from milliseconds; as a
#   civil DateTime it parses.
# Why it matters: code that turns BSON's dates into Timestamps fails on sentinels in real data, and no
#   test with ordinary dates shows it. Civil arithmetic with an offset of its own does not have the limit.
# Versions: jiff 1.0.2, run with Rust 1.95. Date: 2026-11-29.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "jiff-last-day"
version = "0.0.0"
edition = "2021"
publish = false

[dependencies]
jiff = { version = "=1.0.2", default-features = false, features = ["alloc"] }

[workspace]
TOML

cat > "$work/src/main.rs" <<'RUST'
use jiff::Timestamp;
use jiff::civil::DateTime;

const NEVER: &str = "9999-12-31T23:59:59";
const NEVER_MILLIS: i64 = 253_402_300_799_000;

fn main() {
    println!("last timestamp: {}", Timestamp::MAX);
    println!("as a timestamp: {}", format!("{NEVER}Z").parse::<Timestamp>().is_ok());
    println!("of milliseconds: {}", Timestamp::from_millisecond(NEVER_MILLIS).is_ok());
    println!("as a civil time: {}", NEVER.parse::<DateTime>().is_ok());
}
RUST

seen=$(cd "$work" && cargo run --quiet)
printf '%s\n' "$seen"
[ "$seen" = "last timestamp: 9999-12-30T22:00:00.999999999Z
as a timestamp: false
of milliseconds: false
as a civil time: true" ] || { echo "jiff behaves differently now" >&2; exit 1; }
echo "as described"
