"""moto's S3 for tests of concurrency and of faults: s3.py PORT KEY SECRET.

moto 5.2.5 by itself takes no lock between looking at a condition and storing the object, stores the
part of a body that came when a connection broke, and closes every connection after one answer. So
requests come to it here whole, one at a time, and on connections that stay open. Who may come is
moto's own business (its IAM checks keys and signatures); a digest that is not the body's is refused.

What is not S3: /-/pid tells the process id; /-/bucket/NAME makes a bucket. Neither asks for a key.
"""

import hashlib
import io
import json
import os
import sys
import threading

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

TURN = threading.Lock()
# So often that a race which the lock did not prevent would show in the tests.
sys.setswitchinterval(1e-4)
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def refusal(status, code, message):
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return status, [("Content-Type", "application/xml")], body.encode()


class Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_request(self, *_):
        pass

    def run_wsgi(self):
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        status, headers, body = self.answer(environ)
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if self.command == "HEAD" or name.lower() != "content-length":
                self.send_header(name, value)
        if self.command == "HEAD":
            body = b""
        elif int(code) not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def answer(self, environ):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        chunked = environ.get("wsgi.input_terminated", False)
        try:
            body = environ["wsgi.input"].read() if chunked else self.rfile.read(length)
        except OSError:
            body, length = b"", 1
        if len(body) < length:
            self.close_connection = True
            return refusal("400 Bad Request", "IncompleteBody", "fewer bytes than were announced")
        if environ["PATH_INFO"].startswith("/-/"):
            with TURN:
                return self.control(environ["PATH_INFO"].split("/")[2:])
        digest = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")
        if len(digest) == 64 and digest != hashlib.sha256(body).hexdigest():
            return refusal("400 Bad Request", "XAmzContentSHA256Mismatch", "the body is another")
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        with TURN:
            parts, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        return status, list(headers), b"".join(parts)

    def control(self, words):
        match words:
            case ["pid"]:
                return "200 OK", [], str(os.getpid()).encode()
            case ["bucket", name]:
                s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(name, "us-east-1")
                return "200 OK", [], b""
        return refusal("404 Not Found", "NoSuchKey", "no such command")


def main():
    port, key, secret = sys.argv[1:]
    iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    iam.create_user("us-east-1", "argon")
    policy = {"Version": "2012-10-17", "Statement": [EVERYTHING]}
    iam.put_user_policy("argon", "everything", json.dumps(policy))
    granted = iam.create_access_key("argon")
    granted.access_key_id, granted.secret_access_key = key, secret
    server = make_server(
        "127.0.0.1", int(port), create_backend_app("s3"), threaded=True, request_handler=Handler
    )
    server.serve_forever()


main()
