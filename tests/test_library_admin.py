"""Staff see what buyers may download, open limits, and take and give rights with a reason."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.urls import reverse

from agency.models import Mail
from storefront import library, library_admin, product_files
from storefront.models import Entitlement
from tests.factories import make_gig, make_paid_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def right():
    product = make_product(title="Desk plan")
    file = product_files.add(product, ContentFile(b"%PDF-", "Plan.pdf"))
    right = Entitlement.objects.get(order_line__order=make_paid_order(product))
    for _ in range(10):
        library.count(library.read(library.sign(right, file)))
    return right


def page(name, *args):
    return reverse(f"admin:storefront_entitlement_{name}", args=args)


def shown(client, address):
    return " ".join(client.get(address).content.decode().split())


def person(group):
    user = User.objects.create_user(group, password="a long pass phrase", is_staff=True)
    user.groups.set(Group.objects.filter(name=group))
    return user


def test_a_right_shows_its_buyer_its_files_and_its_use(staff_client, right):
    order = right.order_line.order

    listed, text = shown(staff_client, page("changelist")), shown(staff_client, page("change", right.pk))

    assert f"Desk plan of {order.number}" in listed
    assert order.email in listed and order.email in text
    assert "Plan.pdf, version 1: 0 of 10 downloads left" in text
    assert text.count(": Plan.pdf, version 1</li>") == 10


def test_staff_open_a_limit_from_the_page_and_from_the_list(staff_client, right):
    file = right.product.files.get()

    staff_client.post(page("verb", right.pk, "reset_limit"))
    right.refresh_from_db()
    after = library.left(right, file.pk)
    library.count(library.read(library.sign(right, file)))
    staff_client.post(page("changelist"), {"action": "reset_limit", "_selected_action": [right.pk], "yes": "yes"})

    right.refresh_from_db()
    assert (after, library.left(right, file.pk)) == (10, 10)


def test_a_right_is_revoked_and_restored_with_a_reason_after_a_question(staff_client, right):
    asked = staff_client.get(page("verb", right.pk, "revoke"))
    without = staff_client.post(page("verb", right.pk, "revoke"), {"reason": " "})
    right.refresh_from_db()
    before = right.status
    staff_client.post(page("verb", right.pk, "revoke"), {"reason": "Shared in a forum"})
    right.refresh_from_db()
    revoked = (right.status, right.revoked_for, right.reason)
    staff_client.post(page("verb", right.pk, "restore"), {"reason": "It was somebody else"})

    right.refresh_from_db()
    assert "No money goes back by this." in asked.content.decode()
    assert (without.status_code, before) == (200, "active")
    assert revoked == ("revoked", "staff", "Shared in a forum")
    assert (right.status, right.reason) == ("active", "It was somebody else")


def test_the_receipt_is_sent_again_from_there(staff_client, right):
    for _ in range(2):
        staff_client.post(page("verb", right.pk, "send_receipt"))

    assert Mail.objects.filter(template="order_again").count() == 1


def test_operators_may_and_catalog_editors_may_not_touch_rights(client, right):
    client.force_login(person("Catalog editors"))
    refused = [
        client.get(page("changelist")).status_code,
        client.post(page("verb", right.pk, "revoke"), {"reason": "x"}).status_code,
    ]
    client.force_login(person("Operators"))
    client.post(page("verb", right.pk, "revoke"), {"reason": "x"})

    right.refresh_from_db()
    assert (refused, right.status) == ([403, 403], "revoked")


def test_an_order_shows_what_was_handed_over_and_written(staff_client, staff, right):
    order = make_paid_order(make_gig(name="Logo design").packages.get(), right.product)
    work = order.lines.get(number=1).service_order

    handed, written = library_admin.rights_of(order, staff), library_admin.mails_of(order, staff)
    text = shown(staff_client, reverse("admin:storefront_order_change", args=[order.pk]))
    staff_client.post(reverse("admin:storefront_order_verb", args=[order.pk, "send_receipt"]))

    assert f'href="/admin/agency/serviceorder/{work.pk}/change/"' in handed
    assert "Desk plan</a>: Active, 0 downloads" in handed
    assert handed in text and written in text
    assert Mail.objects.filter(key__startswith=f"order:{order.pk}:again:").count() == 1
    assert "order_placed</a>: Queued" in written and "order_paid</a>: Queued" in written
