#!/usr/bin/env bash
# W&B warns that it can't checksum a reference, although it was asked not to.
#
# Expected: add_reference("argon://…", name=…, checksum=False) says nothing: no checksum is wanted.
# Seen: with checksum=False as with the default, a warning "Artifact references with unsupported schemes cannot be
#   checksummed"; the digest of the entry is the URI itself in both cases.
# Why it matters: nothing silences it for one call, so each logged state prints a line; and two states are two versions
#   only because their URIs differ.
# Versions: wandb 0.31.0, Python 3.11. Date: 2026-11-30.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet wandb==0.31.0

cat > reference.py <<'PYTHON'
import sys

import wandb

uri = "argon://store/shop@main@1?digest=abc"
artifact = wandb.Artifact("users", type="dataset")
[entry] = artifact.add_reference(uri, name="state", checksum=sys.argv[1] == "True")
print("digest is the URI:", entry.digest == uri)
PYTHON

for checksum in True False; do
    echo "checksum=$checksum"
    venv/bin/python reference.py "$checksum" > "$checksum.out" 2>&1
    cat "$checksum.out"
    grep -q "cannot be checksummed" "$checksum.out"
    grep -q "digest is the URI: True" "$checksum.out"
done
echo
echo "as recorded: the warning comes with checksum=False, too"
