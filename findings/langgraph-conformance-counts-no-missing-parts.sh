#!/usr/bin/env bash
# LangGraph's conformance suite says FULL of a checkpointer that does nothing.
#
# Expected: a checkpointer without put, get_tuple and list fails the suite, or reaches no level.
# Seen: passed_all() is True and conformance_level() is FULL: a capability that is not detected is not counted.
# Why it matters: who runs the suite has to check as well that all capabilities were detected, or a method that was
#   renamed goes unnoticed.
# Versions: langgraph-checkpoint-conformance 0.0.2, langgraph-checkpoint 4.3.2, Python 3.11. Date: 2026-12-01.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet langgraph-checkpoint-conformance==0.0.2 langgraph-checkpoint==4.3.2

cat > nothing.py <<'PYTHON'
import asyncio
import sys

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate


class Nothing(BaseCheckpointSaver):
    """A checkpointer without a method of its own."""


@checkpointer_test(name="Nothing")
async def nothing():
    yield Nothing()


report = asyncio.run(validate(nothing))
detected = [name for name, result in report.results.items() if result.detected]
print("passed_all, level, detected:", report.passed_all(), report.conformance_level(), detected)
sys.exit(int((report.passed_all(), report.conformance_level(), detected) != (True, "FULL", [])))
PYTHON
venv/bin/python nothing.py
echo "as recorded: nothing at all passes in full"
