"""Files are sent whole or in parts as RFC 9110 says, and a slow reader can't take the whole server."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from django.test import RequestFactory

from agency import file_answers
from agency.file_answers import places
from agency.models import Artifact
from earnings.refusals import Refusal

pytestmark = pytest.mark.django_db  # the end of an answer looks after connections
CONTENT = bytes(range(256)) * 4
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def stored(content=CONTENT, name="work/plan.bin"):
    return FieldFile(
        Artifact(), Artifact._meta.get_field("file"), default_storage.save(name, ContentFile(content))
    )


def answer(method="get", file=None, name="plan.bin", holder=1, **headers):
    request = getattr(RequestFactory(), method)(
        "/", headers={key.replace("_", "-"): v for key, v in headers.items()}
    )
    return file_answers.respond(
        request,
        file or stored(),
        name=name,
        content_type="application/octet-stream",
        sha256=SHA256,
        holder=holder,
    )


def body(response):
    content = b"".join(response) if response.streaming else response.content
    response.close()
    return content


def test_without_a_range_the_whole_file_comes_with_its_hash_as_its_tag():
    response = answer()

    assert (response.status_code, body(response)) == (200, CONTENT)
    assert response["Content-Length"] == "1024"
    assert response["Accept-Ranges"] == "bytes"
    assert response["ETag"] == f'"{SHA256}"'
    assert response["Cache-Control"] == "private, no-store"
    assert response["Content-Disposition"] == 'attachment; filename="plan.bin"'


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, 1023),
        ("bytes=-1", 1023, 1023),
        ("bytes=-5000", 0, 1023),
        ("bytes=1000-9999", 1000, 1023),
        ("Bytes = 1000 - 1001", 1000, 1001),
    ],
)
def test_a_part_is_answered_as_a_part(asked, first, last):
    response = answer(Range=asked)

    assert (response.status_code, body(response)) == (206, CONTENT[first : last + 1])
    assert response["Content-Range"] == f"bytes {first}-{last}/1024"
    assert response["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_part_that_the_file_does_not_have_is_refused_with_its_size(asked):
    response = answer(Range=asked)

    assert (response.status_code, response["Content-Range"], response.content) == (416, "bytes */1024", b"")


@pytest.mark.parametrize(
    "asked", ["", "bytes=", "bytes=-", "bytes=5-3", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=0-1x"]
)
def test_what_makes_no_sense_as_a_range_is_answered_with_the_whole_file(asked):
    response = answer(Range=asked)

    assert (response.status_code, body(response)) == (200, CONTENT)


def test_a_part_of_another_version_is_answered_with_the_whole_new_file():
    same = answer(Range="bytes=0-9", If_Range=f'"{SHA256}"')
    other = answer(Range="bytes=0-9", If_Range='"0000"')
    weak = answer(Range="bytes=0-9", If_Range=f'W/"{SHA256}"')
    date = answer(Range="bytes=0-9", If_Range="Wed, 21 Oct 2026 07:28:00 GMT")

    assert [response.status_code for response in (same, other, weak, date)] == [206, 200, 200, 200]
    assert [len(body(response)) for response in (same, other, weak, date)] == [10, 1024, 1024, 1024]


def test_head_says_what_get_would_send_and_sends_nothing():
    response = answer("head", Range="bytes=0-9")

    assert (response.status_code, response.content, response["Content-Length"]) == (200, b"", "1024")
    assert response["Accept-Ranges"] == "bytes"


def test_an_empty_file_is_empty_and_has_no_part():
    file = stored(b"")

    whole, part = answer(file=file), answer(file=file, Range="bytes=0-")

    assert (whole.status_code, body(whole), whole["Content-Length"]) == (200, b"", "0")
    assert (part.status_code, part["Content-Range"]) == (416, "bytes */0")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Haftalık plan.pdf", "attachment; filename*=utf-8''Haftal%C4%B1k%20plan.pdf"),
        ('a "b" c.pdf', 'attachment; filename="a \\"b\\" c.pdf"'),
    ],
)
def test_a_name_in_any_letters_reaches_the_buyer(name, header):
    response = answer(name=name)
    response.close()

    assert response["Content-Disposition"] == header


def test_a_file_that_is_gone_raises_and_holds_no_place():
    file = stored(b"x" * 300_000)
    default_storage.delete(file.name)

    with pytest.raises(FileNotFoundError):
        answer(file=file)

    assert places.taken == 0


def test_big_files_have_few_places_few_for_one_and_give_them_back_however_it_ends():
    file = stored(b"x" * 300_000)
    mine = [answer(file=file, holder=1) for _ in range(3)]

    with pytest.raises(Refusal) as too_many:
        answer(file=file, holder=1)
    others = [answer(file=file, holder=holder) for holder in (2, 3, 4)]
    with pytest.raises(Refusal) as full:
        answer(file=file, holder=5)
    small = answer(holder=5)
    part = answer(file=file, holder=5, Range="bytes=0-99")
    taken = places.taken
    read = body(mine[0])
    for response in (*mine, *others, small, part):
        response.close()
        response.close()

    assert (too_many.value.status, full.value.status, taken) == (429, 503, 6)
    assert (len(read), places.taken) == (300_000, 0)


def test_a_big_file_is_read_piece_by_piece():
    response = answer(file=stored(b"x" * 300_000))

    sizes = [len(piece) for piece in response]
    response.close()

    assert sizes == [65536] * 4 + [37856]
