#!/usr/bin/env bash
# fjall with its feature lz4 compresses nothing in the two upper levels of a keyspace.
#
# Expected: the feature lz4, which is on by default, compresses the tables of a keyspace that is made
#   with the default options.
# Seen: tables that a flush or a bulk ingestion writes take more than their keys and values do, though
#   these compress to a tenth. The default policy is none, none, lz4 for levels 0, 1 and from 2 on, and
#   a store of a few flushes or of one ingestion never has a level 2. With CompressionPolicy::all(Lz4)
#   the same rows take a fraction.
# Why it matters: small stores take several times the disk that figures of larger ones suggest, and a
#   rewrite by ingestion, done to save space, undoes the compression of level 2.
# Versions: fjall 3.1.13 with lsm-tree 3.1.10, run with Rust 1.95. Date: 2026-11-29.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "fjall-upper-levels"
version = "0.0.0"
edition = "2021"
publish = false

[dependencies]
fjall = "=3.1.13"
lsm-tree = "=3.1.10"
tempfile = "3"

[workspace]
TOML

cat > "$work/src/main.rs" <<'RUST'
use fjall::config::CompressionPolicy;
use fjall::{CompressionType, Database, KeyspaceCreateOptions};

const ROWS: u32 = 20_000;

fn value(row: u32) -> String {
    format!("{{\"city\": \"a city with a name\", \"state\": \"a state\", \"number\": {row}}}").repeat(2)
}

/// The bytes of the tables after one bulk ingestion of all rows.
fn ingested(options: KeyspaceCreateOptions) -> fjall::Result<u64> {
    let place = tempfile::tempdir()?;
    let database = Database::builder(place.path()).open()?;
    let keyspace = database.keyspace("rows", || options)?;
    let mut ingestion = keyspace.start_ingestion()?;
    for row in 0..ROWS {
        ingestion.write(row.to_be_bytes(), value(row))?;
    }
    ingestion.finish()?;
    Ok(keyspace.disk_space())
}

fn main() -> fjall::Result<()> {
    let raw: u64 = (0..ROWS).map(|row| 4 + value(row).len() as u64).sum();
    let default = ingested(KeyspaceCreateOptions::default())?;
    let lz4 = CompressionPolicy::all(CompressionType::Lz4);
    let all = ingested(KeyspaceCreateOptions::default().data_block_compression_policy(lz4))?;
    println!("keys and values:            {raw:>9} bytes");
    println!("tables, default options:    {default:>9} bytes");
    println!("tables, lz4 at all levels:  {all:>9} bytes");
    let as_recorded = default > raw && all * 3 < raw;
    println!("{}", if as_recorded { "as recorded" } else { "CHANGED" });
    std::process::exit(i32::from(!as_recorded));
}
RUST

cd "$work"
export CARGO_TARGET_DIR="$work/target"
rustc --version
cargo build --quiet
cargo tree --quiet --depth 1 --prefix none | grep -E '^(fjall|lsm-tree) v'
"$CARGO_TARGET_DIR/debug/fjall-upper-levels"
