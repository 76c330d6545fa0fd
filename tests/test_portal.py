"""A client without an account says what they want, sees how it goes on, and takes the work or asks for changes."""

import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from agency import fulfillment_engine, portal
from agency import mail as outbox
from agency.models import Artifact, Mail, Package, SuccessStory
from agency.workflows import NewArtifact
from earnings.refusals import Refusal
from tests.factories import make_gig, make_paid_order, make_service_order

pytestmark = pytest.mark.django_db
ASKED = [
    {"name": "title", "label": "Title", "required": True, "help": "The words that are read first."},
    {"name": "tone", "label": "Tone", "required": False, "help": ""},
    {"name": "logo_file", "label": "Your logo", "required": True, "help": ""},
]
LOGO = b"\x89PNG\r\n\x1a\n logo"


@pytest.fixture
def work():
    """A service order that somebody bought in our shop."""
    gig = make_gig("banner", name="Banner design", requirements=ASKED)
    Package.objects.update(revisions=1)
    return make_paid_order(gig.packages.get()).lines.get().service_order


def shown(client, work, status=200):
    answer = client.get(work.portal_path)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def say(client, work, **fields):
    return client.post(work.portal_path, {f"brief_{name}": value for name, value in fields.items()})


def logo():
    return SimpleUploadedFile("logo.png", LOGO, content_type="image/png")


def brief(client, work):
    say(client, work, title="Ten desks", logo_file=logo())
    work.refresh_from_db()


def offer(work, name="banner.png", message=""):
    fulfillment_engine.start(work)
    file = NewArtifact("deliverable", name, "image/png", LOGO + name.encode())
    return fulfillment_engine.offer_by_hand(work, [file], message=message)


def deliver(work, **more):
    offer(work, **more)
    return fulfillment_engine.deliver(work)


def letters(work):
    mails = Mail.objects.filter(key__startswith=f"service_order:{work.pk}:").order_by("id")
    return [mail.template for mail in mails]


# --- The brief --------------------------------------------------------------------------------------------


def test_the_page_asks_what_the_gig_asks(client, work):
    text = shown(client, work)

    assert "<h1>Banner design, Basic</h1>" in text
    assert '<li class="now" aria-current="step">Your brief</li>' in text
    assert 'for="id_brief_title">Title *</label>' in text and "The words that are read first." in text
    assert '<input type="file" name="brief_logo_file"' in text
    assert "is-wrong" not in text


def test_a_brief_with_its_file_starts_the_clock_and_is_confirmed_by_mail(client, work):
    answer = say(client, work, title="Ten desks", logo_file=logo(), showcase_consent="on")

    work.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, work.portal_path)
    assert (work.status, work.brief["title"], work.showcase_consent) == ("queued", "Ten desks", True)
    assert work.brief["logo_file"]["name"] == "logo.png"
    assert work.due_at is not None
    assert letters(work) == ["work_begins"]
    text = outbox.letter(Mail.objects.get(template="work_begins")).text
    assert f"You have the result by {work.due_at:%-d %B %Y}." in text
    assert f"http://127.0.0.1:8000{work.portal_path}" in text
    assert "We are working on it" in shown(client, work)


def test_who_sends_nothing_is_told_what_is_missing(client, work):
    answer = say(client, work, title="")
    text = " ".join(client.get(answer["Location"]).content.decode().split())

    assert answer["Location"] == f"{work.portal_path}?sent#brief"
    assert ">Before we begin we need what is marked below." in text
    assert "Title is missing." in text and "Your logo is missing." in text


def test_what_is_missing_is_said_at_its_field_and_what_was_said_is_kept(client, work):
    say(client, work, title="", logo_file=logo())
    text = shown(client, work)
    say(client, work, title="Ten desks")

    assert "Saved, thank you. Before we begin we need what is marked below." in text
    assert '<p class="errorlist">Title is missing.</p>' in text
    assert "There is already: logo.png." in text
    assert "Your logo is missing." not in text
    work.refresh_from_db()
    assert (work.status, work.brief["title"]) == ("queued", "Ten desks")


def test_too_large_a_file_is_refused_and_nothing_is_kept(client, work, settings):
    settings.BRIEF_UPLOAD_MAX_BYTES = 10

    answer = say(client, work, title="Ten desks", logo_file=logo())

    assert answer.status_code == 422
    assert "More than 10 bytes." in answer.content.decode()
    work.refresh_from_db()
    assert (work.status, work.brief) == ("awaiting_brief", {})


def test_a_value_that_the_recipe_cannot_use_is_told_at_its_field(client):
    gig = make_gig("thumb", recipe="thumbnail")
    work = make_paid_order(gig.packages.get()).lines.get().service_order

    answer = say(client, work, title="Ten desks", brand_color="blueish")

    text = " ".join(answer.content.decode().split())
    assert answer.status_code == 422
    assert 'id="id_brief_brand_color_error"' in text
    assert "Something can&#x27;t be used" in text or "Something can't be used" in text
    work.refresh_from_db()
    assert work.status == "awaiting_brief"


def test_a_question_of_ours_is_on_the_page_and_in_a_mail_once(client, work):
    brief(client, work)

    fulfillment_engine.await_brief(work, "Which of the two logos?")
    fulfillment_engine.await_brief(work, "Which of the two logos?")

    assert "Which of the two logos?" in shown(client, work)
    assert letters(work) == ["work_begins", "work_question"]
    assert "Which of the two logos?" in outbox.letter(Mail.objects.get(template="work_question")).text


def test_a_question_is_asked_again_when_the_answer_to_it_was_no_better(client, work):
    brief(client, work)
    fulfillment_engine.await_brief(work, "This logo can't be read.")
    say(client, work, title="Ten desks", logo_file=SimpleUploadedFile("second.png", b"no picture either"))
    work.refresh_from_db()

    fulfillment_engine.await_brief(work, "This logo can't be read.")

    assert letters(work) == ["work_begins", "work_question", "work_question"]


def test_offered_work_that_is_on_hold_asks_for_no_brief(client, work):
    brief(client, work)
    offer(work)

    fulfillment_engine.hold(work)

    assert "brief_title" not in shown(client, work)


def test_a_delivered_order_takes_no_more_of_the_brief(client, work):
    brief(client, work)
    deliver(work)

    answer = say(client, work, title="Twelve desks")

    work.refresh_from_db()
    assert answer.status_code == 422
    assert "takes no more of the brief" in answer.content.decode()
    assert (work.status, work.brief["title"]) == ("delivered", "Ten desks")


# --- The delivery -----------------------------------------------------------------------------------------


def test_what_is_offered_is_not_seen_before_it_is_delivered(client, work):
    brief(client, work)
    offer(work)
    artifact = Artifact.objects.get(service_order=work)
    file = f"{work.portal_path}files/{artifact.pk}/"

    before, hidden = shown(client, work), client.get(file).status_code
    fulfillment_engine.deliver(work)
    after = shown(client, work)

    assert ("banner.png" in before, hidden) == (False, 404)
    assert f'href="{file}"' in after and f'<img class="delivered" src="{file}"' in after
    assert b"".join(client.get(file)) == LOGO + b"banner.png"
    part = client.get(file, headers={"Range": "bytes=1-3"})
    assert (part.status_code, b"".join(part)) == (206, b"PNG")


def test_nobody_gets_a_file_of_another_order(client, work):
    brief(client, work)
    deliver(work)
    other = make_service_order()
    artifact = Artifact.objects.get(service_order=work)

    assert client.get(f"{other.portal_path}files/{artifact.pk}/").status_code == 404
    assert client.get(f"/work/{'x' * 32}/files/{artifact.pk}/").status_code == 404


def test_the_pages_are_stored_nowhere_and_only_their_own_site_learns_their_address(client, work):
    answer = client.get(work.portal_path)

    assert answer["Cache-Control"] == "private, no-store"
    # Without any referrer Django would take the form for another site's.
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert "canonical" not in answer.content.decode()
    for other in (work.number, "x" * 32, "%00", "..%2f"):
        assert client.get(f"/work/{other}/").status_code == 404


def test_a_client_accepts_after_a_question_and_the_money_is_earned_once(client, work):
    brief(client, work)
    deliver(work, message="Here it is.")

    asked = client.get(f"{work.portal_path}accept/")
    yes = {"number": 1, "quote": "Lovely.", "consent": "on"}
    first = client.post(f"{work.portal_path}accept/", yes)
    again = client.post(f"{work.portal_path}accept/", yes)

    work.refresh_from_db()
    assert "Accept the delivery?" in asked.content.decode()
    assert [answer["Location"] for answer in (first, again)] == [work.portal_path] * 2
    assert work.status == "accepted"
    assert SuccessStory.objects.get(service_order=work).quote == "Lovely."
    assert letters(work) == ["work_begins", "work_delivered", "work_accepted"]
    assert "Here it is." in outbox.letter(Mail.objects.get(template="work_delivered")).text
    text = shown(client, work)
    assert "Thank you! Your files stay here." in text and "Accept it" not in text
    assert client.get(f"{work.portal_path}accept/")["Location"] == work.portal_path


def test_without_consent_no_story_is_told(client, work):
    brief(client, work)
    deliver(work)

    client.post(f"{work.portal_path}accept/", {"number": 1, "quote": "Lovely."})

    work.refresh_from_db()
    assert (work.status, SuccessStory.objects.count()) == ("accepted", 0)


def test_a_change_is_asked_for_in_words_and_its_rounds_are_counted(client, work):
    brief(client, work)
    deliver(work)

    empty = client.post(f"{work.portal_path}revision/", {"number": 1, "reason": " "})
    asked = client.post(f"{work.portal_path}revision/", {"number": 1, "reason": "Larger letters"})
    work.refresh_from_db()
    in_revision = (work.status, shown(client, work))
    client.post(f"{work.portal_path}revision/", {"number": 1, "reason": "And <b>larger</b> spaces"})
    more = client.get(f"{work.portal_path}revision/").content.decode()
    deliver(work, name="second.png")
    page = shown(client, work)
    too_many = client.post(f"{work.portal_path}revision/", {"number": 2, "reason": "Larger still"})

    work.refresh_from_db()
    assert (empty.status_code, asked["Location"]) == (422, work.portal_path)
    assert in_revision[0] == "revision" and "We have read what should change" in in_revision[1]
    assert "Add to what should change" in in_revision[1] and "in the same round." in more
    assert "Your delivery, version 2" in page
    assert "<p>Larger letters</p> <p>And &lt;b&gt;larger&lt;/b&gt; spaces</p>" in page
    assert "Ask for a change" not in page and "rounds of changes of this package are used up" in page
    assert (too_many.status_code, work.status) == (409, "delivered")
    assert "has used its 1 revision" in too_many.content.decode()
    assert letters(work) == ["work_begins", "work_delivered", "work_revision", "work_delivered"]


def test_a_package_without_changes_offers_none_and_says_so(client, work):
    type(work).objects.update(agreed_revisions=0)
    brief(client, work)
    deliver(work)

    page, form = shown(client, work), client.get(f"{work.portal_path}revision/")

    assert "Ask for a change" not in page and "This package comes without rounds of changes." in page
    assert (form.status_code, form["Location"]) == (302, work.portal_path)


def test_a_page_that_shows_an_old_delivery_answers_no_new_one(client, work):
    brief(client, work)
    deliver(work)
    client.post(f"{work.portal_path}revision/", {"number": 1, "reason": "Larger letters"})
    work.refresh_from_db()
    deliver(work, name="second.png")

    late = client.post(f"{work.portal_path}accept/", {"number": 1})

    work.refresh_from_db()
    assert (late.status_code, work.status) == (409, "delivered")
    assert "There is a newer delivery. Look at it first." in late.content.decode()


@pytest.mark.parametrize("verb", ["accept", "revision"])
def test_nothing_is_decided_before_the_delivery(client, work, verb):
    brief(client, work)
    offer(work)

    answer = client.post(f"{work.portal_path}{verb}/", {"number": 1, "reason": "x"})

    work.refresh_from_db()
    assert (answer.status_code, work.status) == (409, "ready")


def test_a_canceled_order_says_so(client, work):
    fulfillment_engine.cancel(work)

    text = shown(client, work)

    assert "It was called off." in text
    assert "<form" not in text.partition("<main")[2]
    assert letters(work) == ["work_canceled"]


def test_clients_of_a_marketplace_are_written_to_there(client):
    work = make_service_order(status="queued")

    deliver(work)

    assert Mail.objects.count() == 0
    assert "It is delivered." in shown(client, work)


def test_a_brief_cannot_write_html(client, work):
    brief(client, work)
    fulfillment_engine.await_brief(work, "<script>x</script>")

    assert "<script>x" not in shown(client, work)


@pytest.mark.django_db(transaction=True)
def test_a_yes_and_a_change_at_once_are_one_of_both(work):
    fulfillment_engine.set_requirements(work, {"title": "Ten desks", "logo_file": "x"})
    deliver(work)
    ready, got = threading.Barrier(2), []

    def decide(verb):
        try:
            ready.wait(10)
            verb()
            got.append("done")
        except Refusal as refusal:
            got.append(refusal.status)
        finally:
            connections.close_all()

    one, two = portal.of(work.token).order, portal.of(work.token).order
    calls = (
        lambda: portal.accept(one, 1, consent=False),
        lambda: portal.request_revision(two, 1, "Larger letters"),
    )
    threads = [threading.Thread(target=decide, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    work.refresh_from_db()
    assert sorted(got, key=str) == [409, "done"]
    assert work.status in ("accepted", "revision")
    assert len(letters(work)) == 3
