"""Staff of limited rights are shown no link that ends at a refusal."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from agency import quantum_state
from agency.work import work_off
from tests.factories import make_gig, make_paid_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """(page, address) of what has links to most others."""
    product = make_product()
    order = make_paid_order(product, make_gig().packages.get())
    run = quantum_state.collapse(quantum_state.superpose("Maximize profit"))
    work_off()
    return {
        "front": reverse("admin:index"),
        "run": reverse("admin:agency_run_change", args=[run.pk]),
        "order": reverse("admin:storefront_order_change", args=[order.pk]),
        "product": reverse("admin:storefront_product_change", args=[product.pk]),
    }


def refused(client, page):
    """The links of a page of the admin that answer 403."""
    text = client.get(page).content.decode()
    links = set(re.findall(r'href="(/admin/[^"#]*)"', text))
    return sorted(link for link in links if client.get(link.replace("&amp;", "&")).status_code == 403)


@pytest.mark.parametrize(
    ("group", "sees"),
    [
        ("Operators", ["front", "run", "order", "product"]),
        ("Catalog editors", ["front", "product"]),
        ("Accountants", ["front", "run", "order"]),
    ],
)
def test_no_link_of_a_page_that_a_group_sees_is_refused(client, shop, group, sees):
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)

    assert {name: refused(client, shop[name]) for name in sees} == {name: [] for name in sees}


def test_owners_find_every_way(staff_client, shop):
    texts = {name: staff_client.get(page).content.decode() for name, page in shop.items()}

    assert '<a href="/admin/agency/task/waiting/">' in texts["front"]
    assert re.search(r'<a href="/admin/agency/task/\d+/change/">inventory_audit</a>', texts["run"])
    assert re.search(r'<a href="/admin/agency/intent/\d+/change/">“Maximize profit”</a>', texts["run"])
    assert re.search(r'<a href="/admin/agency/mail/\d+/change/">order_paid</a>', texts["order"])
    assert "/admin/storefront/productfile/add/?product=" in texts["product"]
    assert "/admin/storefront/licensekey/add/?product=" in texts["product"]
