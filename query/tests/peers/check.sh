#!/usr/bin/env bash
# Runs the golden cases through two other engines of MongoDB's language: SecantusDB and mingo. See README.md.
set -euo pipefail
cd "$(dirname "$0")"
packages=${CARGO_TARGET_DIR:-../../../target}/query-peers
mkdir -p "$packages"
packages=$(cd "$packages" && pwd)
requirements=../../../conformance-tests/servers/python/requirements-mongodb.txt

if ! cmp -s "$requirements" "$packages/requirements.txt"; then
    python3 -m venv "$packages/venv"
    "$packages/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$packages/requirements.txt"
fi
if ! cmp -s package-lock.json "$packages/package-lock.json" || [ ! -d "$packages/node_modules" ]; then
    cp package.json package-lock.json "$packages"
    npm --prefix "$packages" ci --ignore-scripts --no-audit --no-fund --silent
fi
PYTHONDONTWRITEBYTECODE=1 exec "$packages/venv/bin/python" check.py "$packages" "$@"
