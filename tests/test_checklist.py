"""What files say of themselves, for the checklist of a package: they come from anywhere."""

import struct
import zlib

import pytest

from agency import checklist
from agency.workflows import NewArtifact


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEADER = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
BOMB = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", HEADER) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("content", [BOMB, b"P6 4\xff 40 255\n", b"\x01\xda\x00\x01" + b"\xff" * 600])
def test_a_picture_that_is_broken_or_a_bomb_is_no_picture(content):
    file = NewArtifact("deliverable", "a.png", "image/png", content)

    assert checklist.image_size([file], "1280x720", {}) == (False, "no image")
