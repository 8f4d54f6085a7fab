#!/usr/bin/env bash
# Two stand-ins of MongoDB answer $count over nothing with { n: 0 }; MongoDB answers with no document.
#
# Expected: engines that run MongoDB's pipelines give no document for [{ $match: … }, { $count: "n" }] if
#   nothing matches, because $count is a $group and a $project, and there is no group.
# Seen: SecantusDB, a server of MongoDB's protocol, and mingo, the usual library of JavaScript, both give
#   one document, { n: 0 }, also inside of $facet. The same count written as $group and $project gives
#   none in both.
# Why it matters: code that reads rows[0].n passes its tests against either of them, and fails on the
#   first empty result of a real server.
# Versions: SecantusDB 0.7.0b3 with pymongo 4.20.0, Python 3.11; mingo 7.2.7, Node 20. Date: 2026-11-30.
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

npm install --silent --no-audit --no-fund --ignore-scripts mingo@7.2.7
cat > try.cjs <<'JS'
const { aggregate } = require("mingo");
const group = [{ $group: { _id: null, n: { $sum: 1 } } }, { $project: { _id: 0 } }];
const count = { $count: "n" };
for (const pipeline of [[count], group, [{ $facet: { a: [count] } }]]) {
  console.log(JSON.stringify(aggregate([], pipeline)));
}
JS
mingo=$(node try.cjs)

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check SecantusDB==0.7.0b3 pymongo==4.20.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
touch empty.toml
venv/bin/secantusd-py --config empty.toml --host 127.0.0.1 --port "$port" --storage-path data >log 2>&1 &
server=$!
cat > try.py <<'PYTHON'
import json, sys
import pymongo

rows = pymongo.MongoClient("127.0.0.1", int(sys.argv[1]), directConnection=True).t.rows
group = [{"$group": {"_id": None, "n": {"$sum": 1}}}, {"$project": {"_id": 0}}]
count = {"$count": "n"}
for pipeline in [count], group, [{"$facet": {"a": [count]}}]:
    print(json.dumps(list(rows.aggregate(pipeline)), separators=(",", ":")))
PYTHON
secantus=$(venv/bin/python try.py "$port")

printf 'mingo:\n%s\nSecantusDB:\n%s\n' "$mingo" "$secantus"
seen='[{"n":0}]
[]
[{"a":[{"n":0}]}]'
[ "$mingo" = "$seen" ] && [ "$secantus" = "$seen" ] || { echo "CHANGED" >&2; exit 1; }
echo "as recorded"
