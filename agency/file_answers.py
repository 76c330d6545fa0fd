"""A private file as an answer that can be interrupted and resumed (RFC 9110, "Range Requests").

The file is read piece by piece while it is sent, so that a big one takes no more memory than a small one. A client
that reads slowly holds a thread of the web server meanwhile: there are places for a few.
"""

import re

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from agency.places import Places

PIECE = 64 * 1024
# What the server's own buffers hold whoever reads: such an answer gives its thread back at once.
SMALL = 200_000
PLACES = 6  # with the live streams' 8, of the 16 threads that `manage.py up` gives the web server
PLACES_OF_ONE = 3  # a program that loads parts side by side must not take all
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)

places = Places(PLACES, PLACES_OF_ONE, "downloads")


class Unsatisfiable(Exception):
    """A part was asked for that the file does not have."""


def respond(request, file, *, name, content_type, sha256, holder):
    """The file or the asked part of it, as an attachment called `name`: 200, 206 or 416; no body for HEAD.

    `file` is Django's, e.g. a `FieldFile`; its hash is its entity tag. `holder` is whose places a big one takes.
    Raises Refusal (503, 429) when there are none, and OSError when the storage has no such file.
    """
    size, tag = file.size, f'"{sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Cache-Control": "private, no-store",
        "Content-Disposition": content_disposition_header(True, name),
        "X-Robots-Tag": "noindex",
    }
    try:
        span = asked_span(request, size, tag)
    except Unsatisfiable:
        headers = {"Accept-Ranges": "bytes", "ETag": tag, "Content-Range": f"bytes */{size}"}
        return HttpResponse(status=416, headers=headers)
    first, last = span or (0, size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if span:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    if request.method == "HEAD":
        return HttpResponse(content_type=content_type, headers=headers)
    pieces = Pieces(file, first, last - first + 1, holder)
    return StreamingHttpResponse(pieces, status=206 if span else 200, content_type=content_type, headers=headers)


def asked_span(request, size, tag):
    """`(first, last)` of the one part that a GET asks for, or None for the whole file.

    Several parts at once, other units and what makes no sense are answered with the whole file, as the standard
    allows, and so is a part of another version than the one that `If-Range` names. Raises `Unsatisfiable`.
    """
    asked = RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if request.method != "GET" or not asked or request.headers.get("If-Range", tag) != tag:
        return None
    first, last = asked.groups()
    if not first and not last:
        return None
    if not first:  # the last so many bytes
        count = min(int(last), size)
        if not count:
            raise Unsatisfiable
        return size - count, size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last), size - 1) if last else size - 1


class Pieces:
    """An iterator over a part of a file, with `close`, so that file and place are given back however it ends."""

    def __init__(self, file, first, count, holder):
        self._left = count
        self._holder = holder if count > SMALL else None
        self._is_open = False
        if self._holder is not None:
            places.take(self._holder)
        self._is_open = True
        self._file = None
        try:
            self._file = file.open("rb")
            self._file.seek(first)
        except BaseException:
            self.close()
            raise

    def __iter__(self):
        return self

    def __next__(self):
        piece = self._file.read(min(PIECE, self._left))
        if not piece:
            self.close()
            raise StopIteration
        self._left -= len(piece)
        return piece

    def close(self):
        if self._is_open:
            self._is_open = False
            if self._file:
                self._file.close()
            if self._holder is not None:
                places.give_back(self._holder)

    __del__ = close  # an answer that fails on its way out is never closed
