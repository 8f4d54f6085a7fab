"""What Argon needs of an S3: check_s3.py ENDPOINT BUCKET, with the credentials in the environment."""

import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ENDPOINT, BUCKET = sys.argv[1:]
KEY, SECRET = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]


def client(key=KEY, secret=SECRET):
    config = Config(
        retries={"total_max_attempts": 1}, max_pool_connections=32, s3={"addressing_style": "path"}
    )
    return boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config,
    )


S3 = client()


def answer(operation, **arguments):
    """The status, with the code if it is an error."""
    try:
        done = getattr(S3, operation)(Bucket=BUCKET, **arguments)
        return done["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


def keys(**arguments):
    return [found["Key"] for found in S3.list_objects_v2(Bucket=BUCKET, **arguments).get("Contents", [])]


def conditions():
    failed = (412, "PreconditionFailed")
    assert answer("put_object", Key="c", Body=b"1", IfMatch='"0"') == (404, "NoSuchKey")
    etag = S3.put_object(Bucket=BUCKET, Key="c", Body=b"1", IfNoneMatch="*")["ETag"]
    assert answer("put_object", Key="c", Body=b"2", IfNoneMatch="*") == failed
    assert answer("put_object", Key="c", Body=b"2", IfMatch='"0"') == failed
    assert S3.get_object(Bucket=BUCKET, Key="c")["Body"].read() == b"1"
    assert answer("put_object", Key="c", Body=b"2", IfMatch=etag) == 200
    assert answer("put_object", Key="c", Body=b"3", IfMatch=etag) == failed
    for key, expected in [("new", 200), ("c", failed)]:
        upload = S3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        part = {"Bucket": BUCKET, "Key": key, "UploadId": upload}
        tag = S3.upload_part(PartNumber=1, Body=b"part", **part)["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
        part.pop("Bucket")
        made = answer("complete_multipart_upload", MultipartUpload=parts, IfNoneMatch="*", **part)
        assert made == expected, made


def one_writer_wins():
    with ThreadPoolExecutor(32) as pool:
        for race in range(20):
            key = f"race/{race}"
            put = lambda number: answer("put_object", Key=key, Body=b"%d" % number, IfNoneMatch="*")
            made = list(pool.map(put, range(32)))
            assert made.count(200) == 1, made
            etag = S3.head_object(Bucket=BUCKET, Key=key)["ETag"]
            put = lambda number: answer("put_object", Key=key, Body=b"x%d" % number, IfMatch=etag)
            made = list(pool.map(put, range(32)))
            assert made.count(200) == 1, made


def reads_and_lists():
    for key in ["l/a", "l/b", "l/c d+é", "l/e"]:
        S3.put_object(Bucket=BUCKET, Key=key, Body=b"0123456789")
    read = lambda part: S3.get_object(Bucket=BUCKET, Key="l/c d+é", Range=part)["Body"].read()
    assert (read("bytes=2-4"), read("bytes=-3"), read("bytes=8-99")) == (b"234", b"789", b"89")
    assert answer("get_object", Key="l/a", Range="bytes=10-") == (416, "InvalidRange")
    assert answer("get_object", Key="nothing") == (404, "NoSuchKey")
    assert keys(Prefix="l/", StartAfter="l/a", MaxKeys=2) == ["l/b", "l/c d+é"]
    first = S3.list_objects_v2(Bucket=BUCKET, Prefix="l/", MaxKeys=3)
    assert keys(Prefix="l/", ContinuationToken=first["NextContinuationToken"]) == ["l/e"]
    assert [answer("delete_object", Key="l/a") for _ in range(2)] == [204, 204]
    assert keys(Prefix="l/", MaxKeys=1) == ["l/b"]


def refusals():
    for key, secret, code in [(KEY, "wrong", "SignatureDoesNotMatch"), ("AKIANOT", SECRET, "InvalidAccessKeyId")]:
        for ask in [
            lambda s3: s3.get_object(Bucket=BUCKET, Key="c"),
            lambda s3: s3.put_object(Bucket=BUCKET, Key="w", Body=b""),
            lambda s3: s3.list_objects_v2(Bucket=BUCKET),
        ]:
            try:
                ask(client(key, secret))
                raise AssertionError("let in")
            except ClientError as error:
                found = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
                assert found == (403, code), found
    for method in ["GET", "PUT", "DELETE"]:
        assert b" 403 " in raw(method, "c", b"", signed=False)
    assert b" 400 " in raw("PUT", "short", b"0123456789", sent=4)
    assert b" 400 " in raw("PUT", "short", b"0123456789", sends=b"0123456780")
    assert answer("head_object", Key="short") == (404, "404")
    assert b" 200 " in raw("PUT", "whole", b"0123456789")


def raw(method, key, body, sent=None, sends=None, signed=True):
    """The first line that comes back for a request that is signed whole and sent as told."""
    url = urlsplit(ENDPOINT)
    request = AWSRequest(method, f"{ENDPOINT}/{BUCKET}/{key}", {"Host": url.netloc}, body)
    if signed:
        S3SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1").add_auth(request)
    head = f"{method} {url.path}/{BUCKET}/{key} HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(head.encode() + b"\r\n" + (sends or body)[:sent])
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline()


for check in [conditions, one_writer_wins, reads_and_lists, refusals]:
    check()
