#!/usr/bin/env bash
# LangGraph's InMemoryStore lists a namespace that was only read, and forgets when an item was made.
#
# Expected: get() of a namespace that has nothing leaves it unlisted; put() of an item that is there keeps created_at,
#   since there is updated_at beside it; a namespace whose last item was deleted is gone.
# Seen: the read namespace is listed, created_at is that of the last put, and the empty namespace stays.
# Why it matters: a store that is compared with it, as the reference of the interface, differs where it is right.
# Versions: langgraph-checkpoint 4.3.2, Python 3.11. Date: 2026-12-01.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet langgraph-checkpoint==4.3.2

cat > read.py <<'PYTHON'
import sys
import time

from langgraph.store.memory import InMemoryStore

store = InMemoryStore()
store.get(("never", "written"), "key")
listed = store.list_namespaces()
store.put(("a",), "key", {"n": 1})
created = store.get(("a",), "key").created_at
time.sleep(0.01)
store.put(("a",), "key", {"n": 2})
is_kept = store.get(("a",), "key").created_at == created
store.delete(("a",), "key")
stays = ("a",) in store.list_namespaces()
print("listed after a read, created_at kept, listed when empty:", listed, is_kept, stays)
sys.exit(int((listed, is_kept, stays) != ([("never", "written")], False, True)))
PYTHON
venv/bin/python read.py
echo "as recorded: reading makes a namespace"
