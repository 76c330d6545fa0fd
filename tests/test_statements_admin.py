"""Staff look at a statement, book it, undo it, and describe layouts that nobody knew."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from earnings.models import JournalEntry, StatementFormat, StatementImport
from earnings.statements import booking
from tests.test_statements import load, make_format

pytestmark = pytest.mark.django_db

ADD = reverse("admin:earnings_statementimport_add")
DESCRIBE = reverse("admin:earnings_statementformat_add")


def page_of(row, name=None):
    model = row._meta.model_name
    if name:
        return reverse(f"admin:earnings_{model}_verb", args=[row.pk, name])
    return reverse(f"admin:earnings_{model}_change", args=[row.pk])


def send(client, name="etsy_statement", content=None, **fields):
    file = SimpleUploadedFile(f"{name}.csv", load(name) if content is None else content)
    return client.post(ADD, {"file": file, "format": "auto", **fields})


def sign_in(client, group):
    user = User.objects.create_user(group, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)


def test_an_upload_shows_what_every_row_means_and_comes_to(staff_client):
    answer = send(staff_client)

    statement = StatementImport.objects.get()
    assert answer["Location"] == page_of(statement)
    html = staff_client.get(answer["Location"]).content.decode()
    assert "What &quot;Riddle&quot; means is not known" in html
    assert "$16.85 earned, $11.00 paid out" in html
    assert "Transaction fee: Planner · Order #7000000001" in html
    assert (statement.status, JournalEntry.objects.count()) == ("previewed", 0)


def test_the_files_own_total_stands_beside_the_sum_of_its_rows(staff_client):
    send(staff_client, "gumroad_payout")

    html = staff_client.get(page_of(StatementImport.objects.get())).content.decode()

    assert " ".join(html.split()).count("$13.90; the file itself says $13.90</td>") == 1


def test_a_total_that_is_not_the_sum_is_said_aloud(staff_client):
    send(staff_client, "gumroad_payout", load("gumroad_payout").replace(b"3.35,13.9", b"3.35,99.9"))

    html = staff_client.get(page_of(StatementImport.objects.get())).content.decode()

    assert "which is not the same" in html
    assert "own USD total is not the sum of its rows" in html


def test_a_preview_is_booked_and_then_reversed_after_a_yes(staff_client):
    send(staff_client)
    statement = StatementImport.objects.get()

    staff_client.post(page_of(statement, "book"))
    booked = StatementImport.objects.get().status
    again = staff_client.get(send(staff_client)["Location"]).content.decode()
    StatementImport.objects.exclude(pk=statement.pk).delete()
    asked = staff_client.get(page_of(statement, "reverse")).content.decode()
    still = StatementImport.objects.get().status
    staff_client.post(page_of(statement, "reverse"))

    assert (booked, still, StatementImport.objects.get().status) == ("booked", "booked", "reversed")
    assert "Everything that this statement booked is undone" in asked
    assert "Nothing of it is left to book:" in again and "Nothing of it" not in asked
    assert JournalEntry.objects.filter(event="reversed").count() == 9


def test_rows_are_filtered_by_their_outcome(staff_client):
    send(staff_client)

    html = staff_client.get(f"{page_of(StatementImport.objects.get())}?outcome=left").content.decode()

    assert ("Something new" in html, "Etsy Ads" in html) == (True, False)


def test_a_file_with_unreadable_rows_has_no_button(staff_client):
    send(staff_client, content=load("etsy_statement").replace(b"$32.50,--,$32.50", b"much,--,$32.50"))
    statement = StatementImport.objects.get()

    html = staff_client.get(page_of(statement)).content.decode()
    staff_client.post(page_of(statement, "book"))

    assert "1 row can't be read, so nothing will be booked." in html
    assert 'value="Book"' not in html
    assert StatementImport.objects.get().status == "previewed"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html><title>Sign in</title></html>", "a web page"),
        (b"PK\x03\x04", "Excel workbook"),
        (b"a,b\n1,2\n", "Describe its columns once"),
    ],
)
def test_what_is_no_statement_is_refused_beside_the_field(staff_client, content, words):
    answer = send(staff_client, content=content)

    assert (answer.status_code, words in answer.content.decode()) == (200, True)
    assert StatementImport.objects.count() == 0


def test_a_long_booking_shows_how_far_it_is(staff_client, monkeypatch):
    monkeypatch.setattr(booking, "CHUNK", 2)
    send(staff_client)
    statement = booking.book(StatementImport.objects.get(), patience=0)

    answer = staff_client.get(page_of(statement))

    assert answer["Refresh"] == "3"
    assert '<progress id="progress" max="9" value="2">' in answer.content.decode()
    assert "2 of 9 rows are booked" in answer.content.decode()


def test_words_of_one_file_are_taken_and_a_bad_line_is_named(staff_client):
    bad = send(staff_client, words="Riddle is a cost")
    send(staff_client, words="Riddle = cost")

    assert "Write &quot;word = meaning&quot; on each line." in bad.content.decode()
    assert StatementImport.objects.get().rows.filter(outcome="waiting").count() == 10


def test_a_layout_is_described_once_and_then_its_files_are_read(staff_client):
    file = SimpleUploadedFile("market.csv", load("own_layout"))
    staff_client.post(DESCRIBE, {"file": file, "name": "Marktplatz", "channel": "direct"})
    made = StatementFormat.objects.get()
    guessed = dict(made.columns)

    page = staff_client.get(page_of(made)).content.decode()
    saved = staff_client.post(
        page_of(made),
        {
            **{"name": "Marktplatz", "channel": "direct", "fee_sign": "plus", "currency": "eur"},
            **{"positive": "sale", "negative": "unknown", "column_date": "Buchung", "column_gross": "Betrag"},
            **{"column_fee": "Gebühr", "column_net": "Netto", "column_type": "Vorgang", "column_title": "Text"},
            "words_text": "Verkauf = sale\nAuszahlung = payout\nGutschrift = adjustment",
        },
    )
    read = staff_client.get(send(staff_client, "own_layout")["Location"]).content.decode()

    assert "ST-" in read and ", Marktplatz, channel" in read
    assert '<a href="/admin/earnings/channel/add/">added first</a>' in staff_client.get(DESCRIBE).content.decode()
    assert made.header == ["Buchung", "Vorgang", "Text", "Betrag", "Gebühr", "Netto"]
    assert guessed == {"gross": "Betrag", "fee": "Gebühr", "net": "Netto"}
    assert '<option value="Betrag" selected>Betrag</option>' in page
    assert saved.status_code == 302
    statement = StatementImport.objects.get()
    assert (statement.format, statement.rows.filter(outcome="waiting").count()) == ("marktplatz", 4)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"currency": ""}, "Say the currency, or which column says it."),
        ({"currency": "EURO"}, "at most 3 characters"),
        ({"time_zone": "Mars/Olympus"}, "is not a time zone that we know"),
        ({"words_text": "Verkauf = miracle"}, "on each line"),
        ({"column_date": ""}, "This field is required."),
        ({"column_gross": "Nowhere"}, "Select a valid choice."),
    ],
)
def test_a_description_that_can_not_be_is_refused_at_its_field(staff_client, changed, words):
    made = make_format(header=["Buchung", "Vorgang", "Text", "Betrag", "Gebühr", "Netto"])
    fine = {
        **{"name": "Marktplatz", "channel": "direct", "fee_sign": "plus", "currency": "EUR"},
        **{"positive": "sale", "negative": "unknown", "column_date": "Buchung", "column_gross": "Betrag"},
    }

    answer = staff_client.post(page_of(made), fine | changed)

    assert (answer.status_code, words in answer.content.decode()) == (200, True)
    assert StatementFormat.objects.get().columns["net"] == "Netto"


def test_a_name_that_is_taken_or_a_file_that_is_no_table_is_refused(staff_client):
    file = SimpleUploadedFile("market.csv", b"%PDF-1.7")

    answer = staff_client.post(DESCRIBE, {"file": file, "name": "Stripe payments", "channel": "direct"})

    assert "There is a format of this name." in answer.content.decode()
    assert "a PDF" in answer.content.decode()


def test_accountants_book_and_describe_and_operators_only_look(client):
    statement, layout = booking.upload(load("etsy_statement"), "etsy.csv"), make_format()

    sign_in(client, "Operators")
    looked = [client.get(page_of(row)).status_code for row in (statement, layout)]
    refused = [client.get(ADD).status_code, client.get(DESCRIBE).status_code]
    refused.append(client.post(page_of(statement, "book")).status_code)
    sign_in(client, "Accountants")
    client.post(page_of(statement, "book"))
    described = [client.get(ADD).status_code, client.get(page_of(layout)).status_code]

    assert (looked, refused, described) == ([200, 200], [403, 403, 403], [200, 200])
    assert StatementImport.objects.get().status == "booked"


def test_the_lists_are_there(staff_client):
    booking.upload(load("etsy_statement"), "etsy.csv"), make_format()

    for name in ("statementimport", "statementformat"):
        assert staff_client.get(reverse(f"admin:earnings_{name}_changelist")).status_code == 200
