"""The bytes of an artifact: in its row when they are few, in the storage otherwise."""

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from agency.models import Artifact, artifacts
from tests.factories import make_run, make_task

pytestmark = pytest.mark.django_db
SIZES = [0, 1, artifacts.SMALL, artifacts.SMALL + 1]


def make_artifact(content, name="proof.bin"):
    artifact = Artifact(task=make_task(make_run()), kind="proof", name=name, content_type="application/pdf")
    artifact.keep(content, name)
    artifact.save()
    return Artifact.objects.get(pk=artifact.pk)


def files(settings):
    return [path.read_bytes() for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", SIZES)
def test_every_size_comes_back_as_it_was_and_only_great_ones_are_files(settings, size):
    content = bytes(number % 256 for number in range(size))

    artifact = make_artifact(content)

    assert artifact.stored.open().read() == content
    assert (artifact.size, artifact.is_there) == (size, True)
    assert files(settings) == ([content] if size > artifacts.SMALL else [])


@pytest.mark.parametrize("size", SIZES)
def test_staff_and_programs_get_the_bytes(staff_client, django_user_model, size):
    artifact = make_artifact(b"x" * size)
    reader = django_user_model.objects.create_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_artifact"))
    program = APIClient()
    program.force_authenticate(reader)

    for who, path in (
        (staff_client, f"/admin/agency/artifact/{artifact.pk}/open/"),
        (program, f"/api/v1/artifacts/{artifact.pk}/file"),
    ):
        answer = who.get(path)
        assert (answer.status_code, b"".join(answer)) == (200, b"x" * size)
        assert answer["Content-Length"] == str(size)


def test_the_bytes_are_only_read_by_who_wants_them(django_assert_num_queries):
    pk = make_artifact(b"few").pk

    with django_assert_num_queries(2) as queries:
        artifact = Artifact.objects.get(pk=pk)
        assert artifact.stored.read() == b"few"

    assert '"content",' not in queries[0]["sql"]


@pytest.mark.parametrize("change", [{"content": None}, {"file": "artifacts/other.bin"}])
def test_an_artifact_has_its_bytes_in_one_place(change):
    make_artifact(b"few")

    with pytest.raises(IntegrityError), transaction.atomic():
        Artifact.objects.update(**change)


def test_what_is_discarded_is_gone_from_the_storage(settings):
    few, many = make_artifact(b"few"), make_artifact(b"many" * artifacts.SMALL)

    few.discard()
    many.discard()

    assert files(settings) == []
    assert (few.is_there, many.is_there) == (True, False)


def test_a_file_that_the_storage_lost_is_not_found_and_no_defect(settings, staff_client, api):
    artifact = make_artifact(b"many" * artifacts.SMALL)
    artifact.discard()

    for who, path in (
        (staff_client, f"/admin/agency/artifact/{artifact.pk}/open/"),
        (api, f"/api/v1/artifacts/{artifact.pk}/file"),
    ):
        assert who.get(path).status_code == 404
