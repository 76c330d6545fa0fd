"""A buyer's page tells how an order stands, the mails say the same, and the way to both is sent to buyers only."""

from datetime import timedelta

import pytest
from django.core import signing
from django.core.files.base import ContentFile
from django.utils import timezone

from agency import mail as outbox
from agency.models import Mail
from storefront import checkout, library, order_mail, product_files, purchases, refunds
from storefront.models import Entitlement, LinkRequest, Order
from tests.factories import make_buyer, make_gig, make_order, make_paid_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO_PAYMENTS = True


def page(client, order):
    answer = client.get(order.get_absolute_url())
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def letters(order):
    """Templates of what was written about the order, oldest first."""
    mails = Mail.objects.filter(key__startswith=f"order:{order.pk}:").order_by("id")
    return [mail.template for mail in mails]


def text_of(mail):
    return outbox.letter(mail).text


def with_file(**fields):
    product = make_product(**fields)
    product_files.add(product, ContentFile(b"%PDF-", "Plan.pdf"))
    return product


# --- The page ---------------------------------------------------------------------------------------------


def test_a_paid_order_shows_its_receipt_and_its_downloads(client):
    product = with_file(title="Desk plan", price_minor=1900)
    order = make_paid_order(product, buyer=make_buyer(name="Ada Byron"))
    right = Entitlement.objects.get()

    text = page(client, order)

    assert "<h1>Thank you, it is yours</h1>" in text
    file = product.files.get()
    assert f'href="/orders/{order.token}/files/{right.pk}/{file.pk}/"' in text
    assert "Desk plan" in text and "Plan.pdf" in text and "$19.00" in text and "for Ada Byron" in text
    assert "Demo" not in text


def test_a_page_of_an_order_is_stored_nowhere_and_tells_nobody(client):
    order = make_paid_order()

    answer = client.get(order.get_absolute_url())

    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    text = answer.content.decode()
    assert '<meta name="robots" content="noindex, nofollow">' in text
    assert "canonical" not in text and "og:url" not in text
    for other in ("x" * 32, "%00", "..%2f", "x" * 3000):
        assert client.get(f"/orders/{other}/").status_code == 404
    assert client.get(f"/orders/{order.number}/").status_code == 404
    assert client.post(order.get_absolute_url()).status_code == 405


def test_an_order_on_invoice_says_what_to_pay_by_when(client, settings):
    settings.INVOICE_NOTE = "IBAN XX00 1234"
    order = make_order(with_file(price_minor=1900))

    text = page(client, order)

    due = order.payments.get().due_on
    assert "<h1>We wait for your payment</h1>" in text
    assert f"$19.00 by {due:%-d %B %Y} and name the order number <b>{order.number}</b>" in text
    assert "Plan.pdf" not in text
    (mail,) = Mail.objects.all()
    assert mail.template == "order_placed"
    assert "IBAN XX00 1234" in text_of(mail)
    assert f"Please transfer $19.00 by {due:%-d %B %Y} and name the order number {order.number}." in text_of(mail)


def test_an_order_that_is_paid_elsewhere_waits_and_no_letter_is_written_about_it(client):
    order = make_order(provider="demo")

    assert "<h1>Not paid yet</h1>" in page(client, order)
    assert letters(order) == []
    order.payments.update(status="failed")
    assert "did not go through, and nothing was charged" in page(client, order)


def test_an_order_that_was_tried_in_the_demo_and_paid_for_real_is_no_demo(client):
    """Its receipt said that no money has moved."""
    order = make_order(with_file(), provider="demo")

    checkout.mark_order_paid(order, by=None)

    assert "No money moves in this order." not in page(client, order)
    assert "no money has moved" not in text_of(Mail.objects.get(template="order_paid"))


def test_an_order_that_was_paid_in_the_demo_stays_a_demo_when_another_way_was_tried_before(client):
    order = make_order(with_file())

    checkout.mark_paid(checkout.choose_payment(order, "demo"))

    assert "This was a demo order: no money has moved." in text_of(Mail.objects.get(template="order_paid"))


def test_a_demo_order_says_so_on_its_page_and_in_its_mail(client):
    order = make_paid_order(with_file(), provider="demo")

    assert "No money moves in this order." in page(client, order)
    assert "This was a demo order: no money has moved." in text_of(Mail.objects.get())


def test_an_order_that_was_given_up_owes_nothing(client):
    on_invoice, at_once = make_order(), make_order(provider="demo")
    for order in (on_invoice, at_once):
        checkout.cancel(order)
        checkout.cancel(order)

        assert "<h1>This order was given up</h1>" in page(client, order)

    assert letters(on_invoice) == ["order_placed", "order_canceled"]
    assert letters(at_once) == []


def test_refunds_are_shown_by_line_and_in_full_and_written_about(client):
    order = make_paid_order(with_file(price_minor=1000), with_file(price_minor=500))
    (first, second) = order.lines.all()

    refunds.carry_out(refunds.request(order, "a", amounts={1: 1000}, reason="A note for staff only"))
    in_part = page(client, order)
    refunds.carry_out(refunds.request(order, "b"))
    in_full = page(client, order)

    assert "After refunds of $10.00" in in_part and "<strong>$5.00</strong>" in in_part
    assert f"/files/{second.entitlements.get().pk}/" in in_part
    assert f"/files/{first.entitlements.get().pk}/" not in in_part
    assert "<h1>Refunded in full</h1>" in in_full and "/files/" not in in_full
    assert letters(order) == ["order_placed", "order_paid", "order_refunded", "order_refunded"]
    told = [text_of(mail) for mail in Mail.objects.filter(template="order_refunded").order_by("id")]
    assert "we have sent $10.00 of your order" in told[0] and "downloads have ended" not in told[0]
    assert "we have sent $5.00 of your order" in told[1] and "downloads have ended" in told[1]
    assert "staff only" not in "".join(told)


def test_a_right_that_staff_ended_and_a_file_that_is_not_there_yet_are_told(client):
    ended, empty = with_file(), make_product(title="In the making")
    order = make_paid_order(ended, empty)
    library.revoke(Entitlement.objects.get(product=ended), "Shared")

    text = page(client, order)

    assert "Its downloads were ended." in text and "Shared" not in text
    assert "Its files are still being prepared." in text


def test_few_downloads_left_are_counted_and_none_left_asks_to_write(client):
    order = make_paid_order(with_file())
    right = Entitlement.objects.get()
    file = right.product.files.get()

    def use(times):
        for _ in range(times):
            library.count(library.read(library.sign(right, file)))
        return page(client, order)

    assert "left" not in use(6)
    assert "3 downloads left" in use(1)
    assert "1 download left" in use(2)
    spent = use(1)
    assert "ask for more</a>, and you get them." in spent
    assert f"/files/{right.pk}/{file.pk}/" not in spent


def test_a_service_leads_to_the_clients_page_and_a_parcel_is_packed(client):
    gig = make_gig(name="Logo design")
    order = make_paid_order(gig.packages.get(), make_product(kind="physical", stock=2))
    work = order.lines.get(number=1).service_order

    text = page(client, order)

    assert "<h1>Thank you for your order</h1>" in text
    assert f'href="/work/{work.token}/"' in text and "Tell us what you need" in text
    assert "It is being packed." in text and "1 Lane, Town" in text
    mail = Mail.objects.get(template="order_paid")
    assert f"http://127.0.0.1:8000/work/{work.token}/" in text_of(mail)
    assert "Your parcel is being packed." in text_of(mail)


def test_a_title_cannot_write_html_or_a_header(client):
    order = make_paid_order(with_file(title='<script>x</script>\r\nBcc: eve@example.com "'))

    assert "<script>x</script>" not in page(client, order)
    message = outbox.message(Mail.objects.get(template="order_paid")).message()
    assert message["Bcc"] is None
    assert message["Subject"] == f"Your receipt for {order.number}"


def test_an_order_of_fifty_lines_takes_no_more_queries_than_one_of_two(client, django_assert_num_queries):
    few = make_paid_order(*[with_file() for _ in range(2)])
    many = make_paid_order(*[with_file() for _ in range(50)])

    for order in (few, many):
        with django_assert_num_queries(7):
            client.get(order.get_absolute_url())


# --- The receipt by mail ----------------------------------------------------------------------------------


def test_the_receipt_is_written_with_the_payment_and_once():
    order = make_order(with_file(title="Desk plan"), buyer=make_buyer(email="Ada@Example.com"))
    before = letters(order)

    checkout.mark_paid(order.payments.get())
    checkout.mark_paid(order.payments.get())

    assert (before, letters(order)) == (["order_placed"], ["order_placed", "order_paid"])
    mail = Mail.objects.get(template="order_paid")
    assert mail.to == "ada@example.com"
    text = text_of(mail)
    assert "- Desk plan: $29.00" in text
    assert f"http://127.0.0.1:8000/orders/{order.token}/" in text
    assert "{" not in text


def test_an_address_that_nobody_can_write_to_does_not_undo_a_payment():
    order = make_order(make_product())
    Order.objects.update(email="not an address")

    order = checkout.mark_paid(order.payments.get())

    order.refresh_from_db()
    assert (order.status, Entitlement.objects.count()) == ("paid", 1)
    assert order.problem.endswith("Its e-mail address can't be written to.")


def test_staff_send_a_receipt_again_once_a_day():
    order = make_paid_order()

    first, again = order_mail.receipt_again(order), order_mail.receipt_again(order)

    assert first == again
    assert letters(order) == ["order_placed", "order_paid", "order_again"]
    assert f"/orders/{order.token}/" in text_of(first)


def test_an_invoice_that_was_lost_is_sent_again_with_how_to_pay():
    order = make_order()

    mail = order_mail.receipt_again(order)

    assert (mail.template, letters(order)) == ("order_placed", ["order_placed", "order_placed"])
    assert f"name the order number {order.number}" in text_of(mail)


# --- The way sent again -----------------------------------------------------------------------------------


def ask(client, email, **extra):
    return client.post("/orders/", {"email": email}, **extra)


def test_a_buyer_who_lost_the_way_gets_it_by_mail(client):
    order = make_paid_order(with_file(), buyer=make_buyer(email="ada@example.com"))
    other = make_paid_order(buyer=make_buyer(email="ada@example.com"))
    others = make_paid_order(buyer=make_buyer(email="eve@example.com"))

    answer = ask(client, "Ada@Example.COM")
    purchases.answer_requests()
    purchases.answer_requests()

    assert (answer.status_code, answer["Location"]) == (302, "/orders/?sent")
    (mail,) = Mail.objects.filter(template="purchases")
    assert (mail.to, LinkRequest.objects.count()) == ("ada@example.com", 0)
    url = mail.context["url"].removeprefix("http://127.0.0.1:8000")
    assert "ada" not in url
    listed = client.get(url)
    assert listed["Referrer-Policy"] == "no-referrer"
    shown = listed.content.decode()
    assert [f"/orders/{each.token}/" in shown for each in (order, other, others)] == [True, True, False]


def test_an_unknown_address_gets_the_same_answer_after_the_same_work(client, django_assert_num_queries):
    make_paid_order(buyer=make_buyer(email="ada@example.com"))
    answers = []

    for email in ("ada@example.com", "nobody@example.com"):
        with django_assert_num_queries(1):
            answers.append(ask(client, email))
    purchases.answer_requests()

    known, unknown = ((answer.status_code, answer["Location"], answer.content) for answer in answers)
    assert known == unknown
    assert [mail.to for mail in Mail.objects.filter(template="purchases")] == ["ada@example.com"]


def test_an_address_is_written_to_at_most_once_in_ten_minutes(client):
    make_paid_order(buyer=make_buyer(email="ada@example.com"))

    for _ in range(3):
        ask(client, "ada@example.com")
    purchases.answer_requests()
    at_first = Mail.objects.filter(template="purchases").count()
    Mail.objects.filter(template="purchases").update(created_at=timezone.now() - timedelta(minutes=11))
    ask(client, "ada@example.com")
    purchases.answer_requests()

    assert (at_first, Mail.objects.filter(template="purchases").count()) == (1, 2)


def test_an_address_is_written_to_at_most_five_times_a_day(client):
    make_paid_order(buyer=make_buyer(email="ada@example.com"))
    written = Mail.objects.filter(template="purchases")

    for minutes in range(7):
        ask(client, "ada@example.com", REMOTE_ADDR=f"192.0.2.{minutes}")
        purchases.answer_requests()
        written.update(created_at=timezone.now() - timedelta(minutes=11))
    on_one_day = written.count()
    written.update(created_at=timezone.now() - timedelta(hours=25))
    ask(client, "ada@example.com", REMOTE_ADDR="192.0.2.9")
    purchases.answer_requests()

    assert (on_one_day, written.count()) == (5, 6)


def test_who_asks_too_often_waits_and_others_do_not(client):
    asked = [ask(client, f"a{number}@example.com").status_code for number in range(6)]

    other = ask(client, "b@example.com", REMOTE_ADDR="192.0.2.7")

    assert asked == [302] * 5 + [429]
    assert (other.status_code, LinkRequest.objects.count()) == (302, 6)


def test_what_is_no_address_is_told_at_the_field(client):
    answers = [ask(client, email) for email in ("ada", f"{'a' * 250}@example.com", "ada\x00@example.com")]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert "Enter a valid email address." in answers[0].content.decode()
    assert LinkRequest.objects.count() == 0


def test_a_link_to_purchases_lives_seven_days(client, monkeypatch):
    order = make_paid_order()
    now = signing.time.time()
    address = f"/purchases/{purchases.sign(order)}/"

    codes = []
    for days in (6.9, 7.1):
        monkeypatch.setattr(signing.time, "time", lambda days=days: now + days * 86400)
        codes.append(client.get(address).status_code)

    assert codes == [200, 410]
    assert client.get("/purchases/x/").status_code == 404


def test_orders_that_were_given_up_are_no_purchases(client):
    checkout.cancel(make_order(buyer=make_buyer(email="ada@example.com")))

    ask(client, "ada@example.com")
    purchases.answer_requests()

    assert Mail.objects.filter(template="purchases").count() == 0
