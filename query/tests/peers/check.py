"""Runs the golden cases through other engines of MongoDB's language, and compares.

check.sh [--show CLASS] [--kind KIND] [--codes]: see README.md.
"""

import argparse
import collections
import hashlib
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import threading

from bson import Decimal128, Int64, Regex, json_util
from bson.datetime_ms import DatetimeMS

import secantus
from operations import JSON, dumped, encoded, load, operations

CASE_SECONDS = 60
HERE = pathlib.Path(__file__).resolve().parent
CLASSES = {
    "both agree": "both peers give the golden answer",
    "one agrees": "one does, and the other has none",
    "one disagrees": "one does, and the other does not",
    "alone": "one does not, and the other has no answer",
    "both disagree": "neither does, and they differ",
    "outvoted": "neither does, and they agree with each other",
    "unanswered": "no peer can run the case",
}


def plain(value):
    """A value as both peers can give it: one type of numbers, fields in any order."""
    match value:
        case bool() | None | str():
            return value
        case Decimal128():
            return plain(float(value.to_decimal()))
        case int() | float():
            number = float(value)
            if math.isnan(number) or math.isinf(number) or number == 0:
                return repr(abs(number) if number == 0 else number)
            return float(f"{number:.11e}")
        case dict():
            return {name: plain(value[name]) for name in sorted(value)}
        case list():
            return [plain(inner) for inner in value]
        case DatetimeMS():
            return ["date", int(value)]
        case Regex():
            return ["regex", value.pattern, value.flags]
        case _:
            return dumped(value)


def comparable(operation, answer, is_exact):
    """An answer as something that compares: exactly (types, order of fields), or as far as mingo goes."""
    if "error" in answer:
        return "refused"
    rows_of = lambda rows: [encoded(row).hex() if is_exact else json.dumps(plain(row)) for row in rows]
    if "written" in answer:
        return {name: sorted(rows_of(rows)) for name, rows in answer["written"].items()}
    rows = rows_of(answer["rows"])
    return sorted(rows) if operation.get("unordered") else rows


def agrees(operation, answer, is_exact):
    """None if the peer gave no answer."""
    if "skip" in answer:
        return None
    try:
        return comparable(operation, operation["answer"], is_exact) == comparable(operation, answer, is_exact)
    except Exception as error:
        answer["skip"] = f"not comparable: {error}"
        return None


def classify(operation, first, second):
    """`first` has all types, `second` is mingo's."""
    verdicts = [agrees(operation, first, True), agrees(operation, second, False)]
    if verdicts == [False, False]:
        same = comparable(operation, first, False) == comparable(operation, second, False)
        is_like_ours = agrees(operation, first, False)
        return "outvoted" if same and not is_like_ours else "both disagree"
    if verdicts == [True, True]:
        return "both agree"
    if None not in verdicts:
        return "one disagrees"
    return {True: "one agrees", False: "alone"}.get(next((v for v in verdicts if v is not None), None), "unanswered")


def mingo_answers(all_operations, packages):
    """The answers of mingo, which a case may crash or keep busy for ever: the rest goes to another process."""
    lines = [json_util.dumps({k: v for k, v in one.items() if k != "line"}, json_options=JSON) for one in all_operations]
    answers = []
    while len(answers) < len(lines):
        answers += some_answers(lines[len(answers) :], packages)
        if len(answers) < len(lines):
            answers.append({"skip": "mingo does not end"})
    return answers


def some_answers(lines, packages):
    """The answers of one process, up to the first that takes longer than a case may."""
    answers = []
    with tempfile.TemporaryFile("w+") as given:
        given.write("\n".join(lines) + "\n")
        given.seek(0)
        command = ["node", str(HERE / "mingo.mjs"), packages]
        process = subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    watch = threading.Timer(CASE_SECONDS, process.kill)
    watch.start()
    for line in process.stdout:
        watch.cancel()
        answers.append(parsed(line))
        watch = threading.Timer(CASE_SECONDS, process.kill)
        watch.start()
    watch.cancel()
    process.kill()
    process.wait()
    return answers


def parsed(line):
    try:
        return load(line)
    except ValueError as error:
        return {"skip": f"the answer is no Extended JSON: {error}"}


def exceptions():
    """The explained double disagreements: the identities of cases."""
    reasons = json.loads((HERE / "exceptions.json").read_text())
    return {case for reason in reasons for case in reason["cases"]}


def identity(operation):
    """A name of a case, which depends neither on its line nor on its expected answer."""
    case = json.loads(operation["line"])
    for name in ("result", "results", "error", "missing", "unchanged", "written"):
        case.pop(name, None)
    digest = hashlib.sha256(json.dumps(case, sort_keys=True).encode()).hexdigest()
    return f"{operation['place'].split(':')[0]} {digest[:8]}"


def show(operation, kind, answers):
    print(f"{kind}: {operation['place']} ({identity(operation)})\n  case     {operation['line'][:600]}")
    for name, answer in answers.items():
        shown = answer if "error" in answer or "skip" in answer else dumped(answer)
        print(f"  {name:<8} {json.dumps(shown)[:600]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", help="the folder with the packages of npm")
    parser.add_argument("--show", action="append", default=[], choices=CLASSES, help="print the cases of this class")
    parser.add_argument("--kind", help="only the files of golden whose names begin so")
    parser.add_argument("--codes", action="store_true", help="print the refusals with another code")
    asked = parser.parse_args()

    chosen = [one for one in operations() if one["place"].startswith(asked.kind or "")]
    able = [one for one in chosen if "skip" not in one]
    with secantus.Server() as database:
        ours_and_theirs = [(one, secantus.run(database, one)) for one in able]
    counts = collections.Counter({"unanswered": len(chosen) - len(able)})
    explained, used, unexplained, codes = exceptions(), set(), 0, 0
    for (operation, first), second in zip(ours_and_theirs, mingo_answers(able, asked.packages)):
        kind = classify(operation, first, second)
        counts[kind] += 1
        differs = "error" in first and first["error"] != operation["answer"].get("error", first["error"])
        codes += differs
        case = identity(operation)
        is_new = kind in ("outvoted", "both disagree") and case not in explained
        if kind in ("outvoted", "both disagree"):
            used.add(case)
        unexplained += is_new
        if kind in asked.show or is_new or (differs and asked.codes):
            show(operation, kind, {"SecantusDB": first, "mingo": second})
    for name, meaning in CLASSES.items():
        print(f"{counts[name]:>5}  {name:<14} {meaning}")
    print(f"{codes:>5}  refusals for which SecantusDB has another code")
    stale = sorted(explained - used) if not asked.kind else []
    for case in stale:
        print(f"exceptions.json has a case that is no golden case, or is none any more: {case}")
    if unexplained or stale:
        sys.exit(f"{unexplained} cases in which both peers disagree are not in exceptions.json")


main()
