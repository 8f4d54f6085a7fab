"""Measures argondb against its bars, in one run with pymongo on a server.

    pip install ./python pymongoarrow
    cargo run -p argon-test-servers --bin serve -- mongodb      # prints the URL of a server
    python python/benches/bars.py URL

Without a URL, only what needs no server is measured. Each time is the best of several runs.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import bson

import argondb

COUNT = 50_000
RUNS = 5


def documents() -> list[dict[str, Any]]:
    """Documents like those of the sample of post codes."""
    return [
        {
            "_id": f"{i:05}",
            "city": f"CITY {i % 500}",
            "loc": [-72.6 + i * 1e-4, 42.07 + i * 1e-5],
            "pop": i * 7 % 50_000,
            "state": "MA",
        }
        for i in range(COUNT)
    ]


def best(run: Callable[[], Any], runs: int = RUNS) -> float:
    """The shortest time of several runs, in milliseconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times) * 1000


def latency(find: Callable[[str], Any], count: int = 20_000) -> float:
    """The median time of a call, in microseconds."""
    generator = random.Random(1)
    times = []
    for _ in range(count):
        identifier = f"{generator.randrange(COUNT):05}"
        began = time.perf_counter()
        find(identifier)
        times.append(time.perf_counter() - began)
    return statistics.median(times[count // 10 :]) * 1_000_000


def say(what: str, value: float, unit: str, bar: float | None = None) -> None:
    """Prints a figure, and whether it meets its bar."""
    met = "" if bar is None else f"   bar {bar:g} {unit}: {'met' if value <= bar else 'MISSED'}"
    print(f"{what:<52}{value:>10.2f} {unit}{met}")


def importing() -> float:
    """How much longer Python takes to start with the import, in milliseconds."""

    def start(code: str) -> float:
        return best(lambda: subprocess.run([sys.executable, "-c", code], check=True), 10)

    return start("import argondb") - start("pass")


def main() -> None:
    """Measures all."""
    say("import argondb", importing(), "ms", 50)
    with tempfile.TemporaryDirectory() as directory:
        store = argondb.open(f"fjall:{directory}/.argon", create=True, hold=True)
        branch = store.project("bench", create=True).branch()
        zips, made = branch["zips"], documents()
        inserted = best(lambda: zips.insert_many(made), 1)
        say(f"insert_many of {COUNT}", inserted, "ms")
        found = best(lambda: list(zips.find()))
        say(f"find of {COUNT} to dicts", found, "ms")
        data = b"".join(zips.find_raw_batches({}))
        say("  of which bson.decode_all", best(lambda: bson.decode_all(data)), "ms")
        say("find as raw batches", best(lambda: [*zips.find_raw_batches({})]), "ms")
        say("find_one by _id, p50", latency(lambda i: zips.find_one({"_id": i})), "µs", 30)
        table = None
        try:
            table = best(lambda: zips.to_arrow())
            say("to_arrow", table, "ms")
        except ImportError:
            print("to_arrow needs pyarrow")
        if len(sys.argv) > 1:
            compare(sys.argv[1], inserted, found, table)
        store.close()


def compare(url: str, inserted: float, found: float, table: float | None) -> None:
    """Measures pymongo on a server, and compares."""
    import pymongo

    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url)
    client.drop_database("bench")
    zips, made = client["bench"]["zips"], documents()
    theirs = best(lambda: zips.insert_many(made), 1)
    say(f"pymongo: insert_many of {COUNT}", theirs, "ms")
    say("insert_many, argondb to pymongo", inserted / theirs, "", 0.5)
    theirs = best(lambda: list(zips.find()))
    say(f"pymongo: find of {COUNT} to dicts", theirs, "ms")
    say("find, argondb to pymongo", found / theirs, "", 0.5)
    say("pymongo: find_one by _id, p50", latency(lambda i: zips.find_one({"_id": i}), 3000), "µs")
    try:
        from pymongoarrow.api import find_arrow_all
    except ImportError:
        print("the comparison of to_arrow needs pymongoarrow")
        return
    theirs = best(lambda: find_arrow_all(zips, {}))
    say("pymongoarrow: find_arrow_all", theirs, "ms")
    if table is not None:
        say("to_arrow, argondb to pymongoarrow", table / theirs, "", 0.25)


if __name__ == "__main__":
    main()
