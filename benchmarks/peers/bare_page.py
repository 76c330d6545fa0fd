"""The limit: a WSGI function that answers with as many bytes as a kept page has, and nothing else."""

import os

_BODY = b"x" * int(os.environ.get("BENCH_BYTES", "20000"))
_HEADERS = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(_BODY)))]


def application(environ, start_response):
    start_response("200 OK", _HEADERS)
    return [_BODY]
