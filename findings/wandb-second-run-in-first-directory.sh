#!/usr/bin/env bash
# W&B takes the working directory and WANDB_DIR once in a process: a second run writes where the first one did.
#
# Expected: wandb.init() after os.chdir(), or with another WANDB_DIR, writes below the present one.
# Seen: it writes below the directory of the first run. Only wandb.init(dir=…) changes that.
# Why it matters: a test with a directory of its own, or a notebook that changes the directory, finds no run there, and
#   `wandb leet inspect` without a path shows another one.
# Versions: wandb 0.31.0, Python 3.11. Date: 2026-11-30.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet wandb==0.31.0

cat > runs.py <<'PYTHON'
import os
import sys
from pathlib import Path

import wandb

top = Path.cwd()
quiet = wandb.Settings(silent=True)


def directory_of_run(**options):
    run = wandb.init(project="p", mode="offline", settings=quiet, **options)
    run.finish()
    return Path(run.dir).relative_to(top).parts[0]


for name in ("one", "two", "three", "four"):
    (top / name).mkdir()
os.chdir(top / "one")
found = [directory_of_run()]
os.chdir(top / "two")
found.append(directory_of_run())
os.environ["WANDB_DIR"] = str(top / "three")
found.append(directory_of_run())
found.append(directory_of_run(dir=str(top / "four")))
print("first, after chdir, after WANDB_DIR, with dir=:", found)
sys.exit(int(found != ["one", "one", "one", "four"]))
PYTHON
venv/bin/python runs.py
echo "as recorded: the directory of the first run is that of the next ones"
