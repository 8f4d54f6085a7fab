#!/usr/bin/env bash
# SecantusDB adds the fields of one $set sorted if the update inserts, and as they are written if it changes.
#
# Expected: one order for both. MongoDB documents it for all update operators since 5.0: names in lexicographic
#   order, numbers among them in numeric order, whether the document was there or not.
# Seen: with upsert and no document, the new fields are sorted, all as text, so "10" comes before "9"; fields that
#   the filter gives come first, sorted too. With a document, they come in the order of $set, and operators
#   in the order of the update. The two ways give documents that are equal but for the order of fields.
#   A nested document keeps the order of $set in both.
# Why it matters: the two are different bytes, and different hashes, to a program that compares copies of a
#   database. A test that expects them to be the same, as MongoDB's rule makes them, fails there; and one that
#   checks the order by an upsert finds MongoDB's, and says nothing on updates.
# Versions: SecantusDB 0.7.0b3 (announces 8.2.11), pymongo 4.20.0, Python 3.11. Date: 2026-12-01.
set -euo pipefail

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf -- "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check SecantusDB==0.7.0b3 pymongo==4.20.0

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
: > empty.toml
venv/bin/secantusd-py --config empty.toml --host 127.0.0.1 --port "$port" --storage-path data > log 2>&1 &
server=$!

cat > try.py <<'PYTHON'
import sys

import pymongo

rows = pymongo.MongoClient("127.0.0.1", int(sys.argv[1]), directConnection=True).t.rows

# (what, filter, update, fields in order after the upsert, and after the update of a document with the _id alone)
CASES = [
    ("text", {"_id": 1}, {"$set": {"c": 0, "a": 0, "b": 0}}, "_id a b c", "_id c a b"),
    ("numbers", {"_id": 1}, {"$set": {"b": 0, "10": 0, "9": 0}}, "_id 10 9 b", "_id b 10 9"),
    ("two operators", {"_id": 1}, {"$set": {"b": 0}, "$inc": {"a": 1}}, "_id a b", "_id b a"),
    ("nested", {"_id": 1}, {"$set": {"d.z": 0, "c": 0, "d.a": 0}}, "_id c d.z d.a", "_id d.z d.a c"),
    # Only an upsert takes fields from its filter.
    ("a filter", {"q": 0, "_id": 1, "p": 0}, {"$set": {"b": 0, "a": 0}}, "_id p q a b", None),
]


def fields(row):
    return " ".join(f"{name}.{inner}" if inner else name
                    for name, value in row.items() for inner in (value if isinstance(value, dict) else [""]))


def after(present, where, update):
    rows.delete_many({})
    if present:
        rows.insert_one({"_id": 1})
    result = rows.update_one(where, update, upsert=True)
    assert bool(result.matched_count) == present
    return fields(rows.find_one())


as_recorded = True
print(f"{'':<14} {'the upsert inserts':<19} the upsert finds a document")
for what, where, update, inserted, updated in CASES:
    seen = after(False, where, update), after(True, where, update) if updated else None
    as_recorded &= seen == (inserted, updated)
    print(f"{what:<14} {seen[0]:<19} {seen[1] or '-'}")
print("as recorded" if as_recorded else "CHANGED")
sys.exit(not as_recorded)
PYTHON
venv/bin/python try.py "$port"
