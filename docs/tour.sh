#!/bin/sh
# The main job in a minute: import, branch, change, compare, look back, restore.
#
#   sh docs/tour.sh                 on a small data set that the script makes
#   sh docs/tour.sh path/to/dump    on your own data: a mongodump of one database, .bson, .json or .csv
#
# The script works in a temporary directory and does not delete it, so you can experiment there.
set -eu

data=${1:-}
[ -z "$data" ] || data=$(cd "$(dirname "$data")" && pwd)/$(basename "$data")
cd "$(dirname "$0")/.."
if [ -z "${ARGON:-}" ]; then
    cargo build --release -p argon-cli --bin argon
    ARGON=$PWD/target/release/argon
fi
place=$(mktemp -d)
cd "$place"

if [ -z "$data" ]; then
    data=people.jsonl
    i=0
    while [ $i -lt 1000 ]; do
        i=$((i + 1))
        echo "{\"_id\": $i, \"name\": \"person $i\", \"age\": $((18 + i % 60))}"
    done >people.jsonl
fi

# Prints a command, then runs it.
run() {
    printf '\n$ argon %s\n' "$*"
    "$ARGON" "$@"
}

run init
run project create tour
run import "$data"
run collections
first=$("$ARGON" collections | sed -n '2{s/ .*//;p;}')
run switch -c experiment
run put -c notes '{"_id": "why", "text": "to see what happens"}'
run update -c notes '{_id: "why"}' '{$set: {answer: "nothing is lost"}}'
run find -c notes '{text: /see/}'
run index create -c notes '{text: 1}'
run aggregate -c "$first" '[{$count: "documents"}]'
run collections drop "$first"
run diff main..experiment
run find -c "$first" --at main --limit 2
run log --oneline
run restore preview experiment~1
run restore reset experiment~1 --yes
run collections
run fsck

printf '\nThe store is %s/.argon; %s is the command.\n' "$place" "$ARGON"
