"""The groups that an installation starts with."""

import pytest
from django.contrib.auth.models import Group, Permission

from storefront import staff

pytestmark = pytest.mark.django_db


def rights_of(name):
    return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))


def test_an_update_gives_the_groups_the_rights_that_it_brings_and_nothing_that_an_owner_took():
    taken = Permission.objects.get(codename="publish_promotion")
    Group.objects.get(name="Operators").permissions.remove(taken)
    before = rights_of("Operators")
    accountants = rights_of("Accountants")
    Permission.objects.filter(content_type__model="webhookendpoint").delete()  # as before the update

    staff.create_groups()
    staff.create_groups()

    assert rights_of("Operators") == before
    assert {"view_webhookendpoint", "delete_webhookendpoint"} <= before
    assert "publish_promotion" not in before
    assert rights_of("Accountants") == accountants
