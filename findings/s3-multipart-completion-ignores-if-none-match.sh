#!/usr/bin/env bash
# gofakes3 honours If-None-Match on a PUT and ignores it on CompleteMultipartUpload.
#
# Expected: a server that refuses a PUT with "If-None-Match: *" over an existing object (412)
#   refuses the same condition when a multipart upload is completed, as S3 documents for both.
# Seen: gofakes3 1.2.0 refuses the PUT with 412 but answers 200 to the completion and overwrites
#   the object. versitygw 1.8.0 (posix backend) answers 412 to both and keeps the object.
# Why it matters: a store that relies on "create only if absent" keeps that promise for small
#   objects and silently loses data for those large enough to be uploaded in parts; a test suite
#   that runs against one S3 server does not show what another one does.
# Versions: gofakes3 1.2.0, versitygw 1.8.0, boto3 1.44.8; run with Go 1.26, Python 3.11.
# Date: 2026-11-28.
set -euo pipefail

work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf -- "$work"
}
trap cleanup EXIT

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_for() { # pid port log
  for _ in $(seq 100); do
    if ! kill -0 "$1" 2>/dev/null; then
      break
    fi
    if python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$2" 2>/dev/null; then
      return 0
    fi
    sleep 0.2
  done
  echo "a server did not start:" >&2
  cat "$3" >&2
  return 1
}

go version
python3 --version
# -modcacherw keeps the downloaded modules removable.
export GOPATH="$work/go" GOMODCACHE="$work/go/pkg/mod" GOBIN="$work/bin" GOFLAGS="-modcacherw -trimpath"
go install -p 1 github.com/johannesboyne/gofakes3/cmd/gofakes3@v1.2.0 2>"$work/go.log" \
  || { cat "$work/go.log" >&2; exit 1; }
go install -p 1 github.com/versity/versitygw/cmd/versitygw@v1.8.0 2>"$work/go.log" \
  || { cat "$work/go.log" >&2; exit 1; }
for server in gofakes3 versitygw; do
  go version -m "$GOBIN/$server" | awk '$1 == "mod" { print $2, $3 }'
done

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  boto3==1.44.8 botocore==1.44.8 s3transfer==0.19.3 jmespath==1.1.0 \
  python-dateutil==2.9.0.post0 six==1.17.0 urllib3==2.8.0
"$work/venv/bin/pip" freeze | grep -E '^(boto3|botocore)=='

# Keys for this run only; gofakes3 does not check them.
ROOT_ACCESS_KEY=$(python3 -c 'import secrets; print(secrets.token_hex(10))')
ROOT_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_hex(20))')
export ROOT_ACCESS_KEY ROOT_SECRET_KEY

fake_port=$(free_port)
"$GOBIN/gofakes3" -host "127.0.0.1:$fake_port" -backend memory >"$work/gofakes3.log" 2>&1 &
pids+=($!)
wait_for "$!" "$fake_port" "$work/gofakes3.log"

mkdir "$work/objects" "$work/meta"
gw_port=$(free_port)
"$GOBIN/versitygw" --port "127.0.0.1:$gw_port" posix --sidecar "$work/meta" "$work/objects" \
  >"$work/versitygw.log" 2>&1 &
pids+=($!)
wait_for "$!" "$gw_port" "$work/versitygw.log"

cat > "$work/check.py" <<'PY'
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

STEPS = [
    # step, (status, object afterwards) expected of gofakes3 and of versitygw
    ("PUT, no object yet", (200, "first"), (200, "first")),
    ("PUT over the object", (412, "first"), (412, "first")),
    ("complete, no object yet", (200, "parts"), (200, "parts")),
    ("complete over the object", (200, "parts"), (412, "first")),
]


def run(port):
    s3 = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=os.environ["ROOT_ACCESS_KEY"],
        aws_secret_access_key=os.environ["ROOT_SECRET_KEY"],
        config=Config(
            s3={"addressing_style": "path"},
            proxies={},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    sent = []

    def record(request, **_):
        value = request.headers.get("If-None-Match")
        sent.append(value.decode() if isinstance(value, bytes) else value)

    for name in ("PutObject", "CompleteMultipartUpload"):
        s3.meta.events.register(f"before-send.s3.{name}", record)

    s3.create_bucket(Bucket="bucket")

    def put(key, body):
        s3.put_object(Bucket="bucket", Key=key, Body=body, IfNoneMatch="*")

    def complete(key, body):
        upload = s3.create_multipart_upload(Bucket="bucket", Key=key)["UploadId"]
        part = {"Bucket": "bucket", "Key": key, "UploadId": upload, "PartNumber": 1}
        etag = s3.upload_part(Body=body, **part)["ETag"]
        s3.complete_multipart_upload(
            Bucket="bucket",
            Key=key,
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]},
            IfNoneMatch="*",
        )

    def outcome(call, key, body):
        try:
            call(key, body)
            status = 200
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return status, s3.get_object(Bucket="bucket", Key=key)["Body"].read().decode()

    seen = [
        outcome(put, "one", b"first"),
        outcome(put, "one", b"second"),
        outcome(complete, "two", b"parts"),
        outcome(complete, "one", b"parts"),
    ]
    assert sent == ["*"] * 4, f"If-None-Match headers sent: {sent}"
    return seen


fake, gateway = run(sys.argv[1]), run(sys.argv[2])
print('every request carries "If-None-Match: *"; cells: HTTP status, object afterwards')
print(f"{'request':<26} {'gofakes3 1.2.0':<16} {'versitygw 1.8.0':<16}")
changed = 0
for (step, want_fake, want_gateway), got_fake, got_gateway in zip(STEPS, fake, gateway):
    note = ""
    if (got_fake, got_gateway) != (want_fake, want_gateway):
        note = "  <- CHANGED"
        changed += 1
    cells = [f"{status} {body}" for status, body in (got_fake, got_gateway)]
    print(f"{step:<26} {cells[0]:<16} {cells[1]:<16}{note}")
if changed:
    sys.exit(f"the behaviour changed in {changed} place(s)")
PY

echo
"$work/venv/bin/python" "$work/check.py" "$fake_port" "$gw_port"
echo
echo "as recorded: gofakes3 ignores If-None-Match on CompleteMultipartUpload, versitygw does not"
