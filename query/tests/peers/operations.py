"""Golden cases as operations that any engine of MongoDB's language can run.

An operation has `collections` (documents by name), and one of `aggregate` (the pipeline over `collection`, with `let`),
`find` (filter and projection) and `update` (filter, update, array filters). It gives an answer: `{"error": code}`,
`{"rows": [...]}`, or `{"written": {name: rows}}`. `skip` is the reason why a peer can't run it.
"""

import json
import pathlib

import bson
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
CODEC = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL,
    datetime_conversion=DatetimeConversion.DATETIME_MS,
    tz_aware=False,
)

# What a peer can't have: another clock, chance, Argon's own stages, and values that pymongo can't hold.
UNANSWERABLE = {
    "$$NOW": "the time differs",
    "$$CLUSTER_TIME": "the time differs",
    "$currentDate": "the time differs",
    '"$rand"': "chance",
    '"$sampleRate"': "chance",
    '"$history"': "Argon's own",
    '"$diff"': "Argon's own",
    '"at":': "Argon's own",
    '"$undefined"': "pymongo has no such value",
    '"$symbol"': "pymongo has no such value",
    '"$dbPointer"': "pymongo has no such value",
    '"$ref"': "pymongo turns it into a DBRef",
}


def load(text):
    return json_util.loads(text, json_options=JSON)


def cases():
    """Yields (place, kind, line, case) for every golden case."""
    for path in sorted(GOLDEN.rglob("*.jsonl")):
        name = path.relative_to(GOLDEN).as_posix()
        kind = name.split("/")[0].removesuffix(".jsonl")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.strip() and not line.startswith("//"):
                yield f"{name}:{number}", kind, line, load(line)


def operations():
    for place, kind, line, case in cases():
        # Plans are Argon's own; their answers are those of scans, which the tests of plans compare.
        if kind == "plans":
            continue
        operation = {"place": place, "line": line, **BUILDERS[kind](case)}
        for text, reason in UNANSWERABLE.items():
            if text in line:
                operation.setdefault("skip", reason)
        yield operation


def answer(case, rows):
    return {"error": case["error"]} if "error" in case else {"rows": rows}


def noticed(case, documents):
    """The documents of a case; at least one for an error, which some engines see only when a document comes."""
    return documents or ([{"_id": 1}] if "error" in case else [])


def without_id(documents, pipeline):
    """A pipeline that does not see the `_id`s that a server adds."""
    return pipeline if any("_id" in document for document in documents) else [{"$unset": "_id"}, *pipeline]


def expression(case):
    documents = [case.get("document", {})]
    pipeline = without_id(documents, [{"$replaceWith": {"r": case["expression"]}}])
    rows = [{}] if case.get("missing") else [{"r": case.get("result")}]
    return {"collections": {"c": documents}, "aggregate": pipeline, "answer": answer(case, rows)}


def accumulator(case):
    documents = noticed(case, case.get("documents", []))
    group = {"$group": {"_id": {"$literal": case.get("key", {})}, "r": case["accumulator"]}}
    operation = {
        "collections": {"c": documents},
        "aggregate": without_id(documents, [group, {"$replaceWith": {"r": "$r"}}]),
        "answer": answer(case, [{"r": case.get("result")}]),
    }
    if not documents and "error" not in case:
        operation["skip"] = "a group is never empty"
    return operation


def window(case):
    documents = noticed(case, case.get("documents", []))
    stage = {"output": {"r": case["function"]}}
    if "sortBy" in case:
        stage["sortBy"] = case["sortBy"]
    pipeline = [{"$setWindowFields": stage}, {"$replaceWith": {"r": "$r"}}]
    return {
        "collections": {"c": documents},
        "aggregate": without_id(documents, pipeline),
        "answer": answer(case, case.get("results")),
    }


def stage(case):
    name = case.get("collection", "c")
    collections = dict(case.get("collections", {}))
    collections[name] = noticed(case, collections.get(name, []))
    operation = {
        "collections": collections,
        "collection": name,
        "aggregate": case["pipeline"],
        "let": case.get("let"),
        "unordered": case.get("unordered", False),
        "answer": answer(case, case.get("result")),
    }
    if "written" in case:
        operation["answer"] = {"written": case["written"]}
    return operation


def projection(case):
    documents = [case.get("document", {})]
    operation = {"collections": {"c": documents}, "answer": answer(case, [case.get("result")])}
    if "stage" in case:
        return {**operation, "aggregate": without_id(documents, [case["stage"]])}
    return {**operation, "find": {"filter": case.get("query", {}), "projection": case["find"]}}


def update(case):
    has_document = "document" in case
    documents = [case["document"]] if has_document else []
    rows = documents if case.get("unchanged") else [case.get("result")]
    operation = {
        "collections": {"c": documents},
        "update": {
            "filter": case.get("query", {}),
            "update": case["update"],
            "arrayFilters": case.get("filters"),
            "multi": case.get("multi", False),
            "upsert": not has_document and "query" in case,
        },
        "answer": answer(case, rows),
    }
    if "matched" in case and "query" not in case:
        operation["skip"] = "the case has no query"
    return operation


BUILDERS = {
    "expressions": expression,
    "accumulators": accumulator,
    "windows": window,
    "stages": stage,
    "projections": projection,
    "updates": update,
}


def encoded(document):
    return bson.encode(document, codec_options=CODEC)


def dumped(value):
    return json.loads(json_util.dumps(value, json_options=JSON))
