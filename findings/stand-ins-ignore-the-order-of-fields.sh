#!/usr/bin/env bash
# SecantusDB heeds the order of a document's fields in some operators, and ignores it in others; mingo ignores it.
#
# Expected: { x: 1, y: 2 } and { y: 2, x: 1 } are two values everywhere, as in MongoDB (SERVER-29621), or one
#   value everywhere; at least $eq says true only of what $cmp says 0 of.
# Seen: in SecantusDB a find, $in, $ne, $cmp, $addToSet and $setUnion tell them apart. $eq and $ne of
#   expressions, $group, distinct and $pullAll do not: of the same two values, $eq says true and $cmp says 1,
#   and $group makes one group of what $addToSet makes two elements of. In mingo they are one value
#   everywhere, so that { $set: { d: … } } with another order changes nothing and counts no modification.
# Why it matters: a test that writes fields in another order, as programs without ordered maps do, finds
#   one group there and two in MongoDB; and it depends on the operator whether the test shows that.
# Versions: SecantusDB 0.7.0b3 (announces 8.2.11) with pymongo 4.20.0, Python 3.11; mingo 7.2.7, Node 20.
# Date: 2026-12-01.
set -euo pipefail

work=$(mktemp -d)
server=
cleanup() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf -- "$work"
}
trap cleanup EXIT
cd "$work"

npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mingo@7.2.7
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check SecantusDB==0.7.0b3 pymongo==4.20.0

# What each engine runs over { _id: 1, d: XY, l: [XY] } and { _id: 2, d: YX, l: [YX] }, with how to see
# from the answer that the two are told apart: its number of documents, or the field "apart".
cat > cases.json <<'JSON'
{
  "find":        {"filter": {"d": {"y": 2, "x": 1}}, "apart": 1},
  "find $in":    {"filter": {"d": {"$in": [{"y": 2, "x": 1}]}}, "apart": 1},
  "find $ne":    {"filter": {"d": {"$ne": {"y": 2, "x": 1}}}, "apart": 1},
  "$cmp":        {"value": {"$ne": [{"$cmp": ["$d", {"$literal": {"x": 1, "y": 2}}]}, 0]}},
  "$eq":         {"value": {"$not": [{"$eq": ["$d", {"$literal": {"x": 1, "y": 2}}]}]}},
  "$ne":         {"value": {"$ne": ["$d", {"$literal": {"x": 1, "y": 2}}]}},
  "$setUnion":   {"value": {"$eq": [{"$size": {"$setUnion": ["$l", [{"x": 1, "y": 2}]]}}, 2]}},
  "$group":      {"pipeline": [{"$group": {"_id": "$d"}}], "apart": 2},
  "distinct":    {"distinct": "d", "apart": 2},
  "$addToSet":   {"pipeline": [{"$group": {"_id": null, "s": {"$addToSet": "$d"}}}, {"$unwind": "$s"}], "apart": 2},
  "update $set": {"update": {"$set": {"d": {"y": 2, "x": 1}}}, "modified": 1},
  "$addToSet ":  {"update": {"$addToSet": {"l": {"y": 2, "x": 1}}}, "modified": 1},
  "$pullAll":    {"update": {"$pullAll": {"l": [{"y": 2, "x": 1}]}}, "modified": 0}
}
JSON

cat > try.mjs <<'JS'
import fs from "node:fs";
import { aggregate, find, updateMany } from "mingo";

const rows = () => [{ _id: 1, d: { x: 1, y: 2 }, l: [{ x: 1, y: 2 }] }, { _id: 2, d: { y: 2, x: 1 }, l: [{ y: 2, x: 1 }] }];
function apart(one) {
    if (one.update) {
        const first = rows().slice(0, 1);
        return updateMany(first, {}, one.update).modifiedCount === one.modified;
    }
    if (one.distinct) return null; // mingo has no distinct
    if (one.filter) return find(rows(), one.filter).all().length === one.apart;
    if (one.pipeline) return aggregate(rows(), one.pipeline).length === one.apart;
    return aggregate(rows(), [{ $match: { _id: 2 } }, { $project: { apart: one.value } }])[0].apart;
}
const seen = {};
for (const [name, one] of Object.entries(JSON.parse(fs.readFileSync("cases.json")))) seen[name] = apart(one);
console.log(JSON.stringify(seen));
JS

cat > try.py <<'PYTHON'
import json
import subprocess
import sys

import pymongo

ALIKE_IN_SECANTUS = {"$eq", "$ne", "$group", "distinct", "$pullAll"}
XY, YX = {"x": 1, "y": 2}, {"y": 2, "x": 1}
rows = pymongo.MongoClient("127.0.0.1", int(sys.argv[1]), directConnection=True).t.rows


def apart(one):
    rows.drop()
    rows.insert_many([{"_id": 1, "d": XY, "l": [XY]}, {"_id": 2, "d": YX, "l": [YX]}])
    if "update" in one:
        return rows.update_one({"_id": 1}, one["update"]).modified_count == one["modified"]
    if "distinct" in one:
        return len(rows.distinct(one["distinct"])) == one["apart"]
    if "filter" in one:
        return len(list(rows.find(one["filter"]))) == one["apart"]
    if "pipeline" in one:
        return len(list(rows.aggregate(one["pipeline"]))) == one["apart"]
    [row] = rows.aggregate([{"$match": {"_id": 2}}, {"$project": {"apart": one["value"]}}])
    return row["apart"]


with open("cases.json") as file:
    cases = json.load(file)
mingo = json.loads(subprocess.run(["node", "try.mjs"], check=True, stdout=subprocess.PIPE).stdout)
words = {True: "two values", False: "one value", None: "-"}
as_recorded = True
print(f"{'{ x: 1, y: 2 } and { y: 2, x: 1 }':<34} {'SecantusDB':<12} mingo")
for name, one in cases.items():
    seen = apart(one), mingo[name]
    as_recorded &= seen == (name not in ALIKE_IN_SECANTUS, None if name == "distinct" else False)
    kind = "find" if "filter" in one else "update" if "update" in one else "command" if "distinct" in one else "pipeline"
    print(f"{kind:<9} {name.removeprefix(kind).strip():<24} {words[seen[0]]:<12} {words[seen[1]]}")
print("as recorded" if as_recorded else "CHANGED")
sys.exit(not as_recorded)
PYTHON

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
touch empty.toml
venv/bin/secantusd-py --config empty.toml --host 127.0.0.1 --port "$port" --storage-path data >log 2>&1 &
server=$!
venv/bin/python try.py "$port"
