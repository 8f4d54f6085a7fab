#!/usr/bin/env bash
# DuckDB reads CSV through any fsspec filesystem, but Parquet only through one that has modified().
#
# Expected: a filesystem of fsspec with ls, info and open is enough to read a file. modified() is optional in
#   fsspec: the base class raises NotImplementedError, and pandas and pyarrow never call it.
# Seen: read_csv works without it; read_parquet of the same filesystem ends with "Not implemented Error: … modified()
#   is not implemented". Before, DuckDB has called glob, open and size, each with the full URL, so that a path
#   whose content moves can get the size of one state and the bytes of another. Paths that glob gives are
#   the ones that it opens, so a filesystem can fix the state there.
# Why it matters: a filesystem that was tested with pandas and CSV fails in DuckDB with Parquet.
# Versions: duckdb 2.0.1, fsspec 2026.9.0, pyarrow 25.0.1, Python 3.11. Date: 2026-11-30.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 fsspec==2026.9.0 pyarrow==25.0.1
cat > try.py <<'PYTHON'
import datetime
import io

import duckdb
import pyarrow
import pyarrow.parquet
from fsspec.spec import AbstractFileSystem

parquet = io.BytesIO()
pyarrow.parquet.write_table(pyarrow.table({"n": [1, 2]}), parquet)
FILES = {"a.csv": b"n\n1\n2\n", "a.parquet": parquet.getvalue()}


class Least(AbstractFileSystem):
    protocol = "least"

    def info(self, path, **options):
        name = self._strip_protocol(path)
        if name not in FILES:
            raise FileNotFoundError(path)
        return {"name": name, "size": len(FILES[name]), "type": "file"}

    def ls(self, path, detail=True, **options):
        return [self.info(name) for name in FILES] if detail else list(FILES)

    def _open(self, path, mode="rb", **options):
        return io.BytesIO(FILES[path])


class WithTime(Least):
    protocol = "timed"

    def modified(self, path):
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


for filesystem in (Least(), WithTime()):
    connection = duckdb.connect()
    connection.register_filesystem(filesystem)
    for reader, name in (("read_csv", "a.csv"), ("read_parquet", "a.parquet")):
        url = f"{filesystem.protocol}://{name}"
        try:
            found = connection.sql(f"SELECT sum(n)::INT FROM {reader}('{url}')").fetchall()
        except Exception as error:
            found = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        print(url, found)
PYTHON
seen=$(venv/bin/python try.py)
printf '%s\n' "$seen"
expected='least://a.csv [(3,)]
least://a.parquet NotImplementedException: Not implemented Error: least: modified() is not implemented
timed://a.csv [(3,)]
timed://a.parquet [(3,)]'
[ "$seen" = "$expected" ] || { echo "CHANGED" >&2; exit 1; }
echo "as recorded"
