"""Buyers are told of a newer version of their file, when a person says so, once."""

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from agency import mail
from agency.models import Mail
from earnings.refusals import Refusal
from storefront import library, product_files
from tests.factories import make_buyer, make_order, make_paid_order, make_product

pytestmark = pytest.mark.django_db


def version(product, number, note=""):
    return product_files.add(product, ContentFile(b"%d" % number, "Plan.pdf"), note=note)


def told():
    return Mail.objects.filter(template="new_version").order_by("id")


def test_everybody_who_may_download_it_is_written_to_once():
    product, other = make_product(title="Desk plan"), make_product()
    version(product, 1)
    ada, bob = make_buyer(email="ada@example.com"), make_buyer(email="bob@example.com")
    make_paid_order(product, buyer=ada)
    again = make_paid_order(product, buyer=ada)
    revoked = make_paid_order(product, buyer=make_buyer())
    library.revoke(revoked.lines.get().entitlements.get(), "Shared in a forum")
    make_order(product, buyer=make_buyer()), make_paid_order(other, buyer=make_buyer())
    make_paid_order(product, buyer=bob)
    newest = version(product, 2, "Page 3 corrected")

    counts = [product_files.tell_buyers(newest) for _ in range(2)]

    assert counts == [2, 0]
    assert [one.to for one in told()] == ["ada@example.com", "bob@example.com"]
    letter = mail.letter(told()[0])
    assert letter.subject == "A new version of Desk plan"
    assert "What is new: Page 3 corrected" in letter.text
    assert again.get_absolute_url() in letter.text  # the way to their latest order


def test_who_bought_since_is_written_to_when_it_is_told_again():
    product = make_product()
    version(product, 1)
    make_paid_order(product)
    newest = version(product, 2)
    product_files.tell_buyers(newest)
    late = make_paid_order(product)

    assert product_files.tell_buyers(newest) == 1
    assert told().last().to == late.email


def test_what_buyers_do_not_get_is_not_told_of():
    product = make_product()
    first, second, third = (version(product, number) for number in (1, 2, 3))
    product_files.withdraw(third)

    for file in (first, third):
        with pytest.raises(Refusal):
            product_files.tell_buyers(file)
    assert product_files.tell_buyers(second) == 0


def test_a_receipt_does_not_wait_behind_a_thousand_letters():
    letters = [(f"news:{number}", f"b{number}@example.com", {}) for number in range(1000)]
    mail.write_to_many("new_version", letters)

    make_paid_order(make_product())

    due = [one.template for one in Mail.objects.due(timezone.now())]
    assert "order_paid" in due
    assert len(due) < 20


def test_staff_see_to_how_many_it_goes_before_they_say_yes(staff_client):
    product = make_product()
    version(product, 1)
    make_paid_order(product)
    newest = version(product, 2)
    verb = reverse("admin:storefront_productfile_verb", args=[newest.pk, "tell_buyers"])

    offered = staff_client.get(reverse("admin:storefront_productfile_change", args=[newest.pk])).content.decode()
    asked = staff_client.get(verb).content.decode()
    before = told().count()
    staff_client.post(verb)

    assert "Write to its buyers" in offered
    assert "1 address has a right to it now." in asked
    assert (before, told().count()) == (0, 1)
