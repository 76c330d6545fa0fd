"""Where staff write what the agency offers, without JSON and without counting cents."""

import pytest

from agency.models import Gig, Package
from tests.factories import make_gig

pytestmark = pytest.mark.django_db

LIST = "/admin/agency/gig/"


def filled(**changed):
    packages = {"TOTAL_FORMS": "1", "INITIAL_FORMS": "0", "MIN_NUM_FORMS": "0", "MAX_NUM_FORMS": "1000"}
    package = {
        "tier": "basic",
        "name": "One",
        "price": "29.90",
        "currency": "usd",
        "delivery_days": "2",
        "revisions": "1",
        "features": "Sizes: 1\r\nSource file",
        "checklist": "files_at_least|1|The banner is there",
    }
    gig = {
        "slug": "banner",
        "name": "Banner",
        "title": "I will draw a banner",
        "tags": "banner,  web ,banner",
        "requirements": "title|The title|required\r\nlogo_file|Your logo||PNG or SVG",
        "position": "100",
    }
    data = gig | {f"packages-{name}": value for name, value in packages.items()}
    return data | {f"packages-0-{name}": value for name, value in package.items()} | changed


def test_a_service_is_written_in_words_and_stored_as_data(staff_client):
    answer = staff_client.post(f"{LIST}add/", filled())

    assert answer.status_code == 302
    gig, package = Gig.objects.get(), Package.objects.get()
    assert gig.tags == ["banner", "web"]
    assert gig.requirements == [
        {"name": "title", "label": "The title", "required": True, "help": ""},
        {"name": "logo_file", "label": "Your logo", "required": False, "help": "PNG or SVG"},
    ]
    assert (package.price_minor, package.currency) == (2990, "USD")
    assert package.features == ["Sizes: 1", "Source file"]
    assert package.checklist == [{"check": "files_at_least", "value": 1, "label": "The banner is there"}]


def test_the_page_of_a_service_shows_what_it_stores_as_people_write_it(staff_client):
    staff_client.post(f"{LIST}add/", filled())
    gig = Gig.objects.get()

    text = staff_client.get(f"{LIST}{gig.pk}/change/").content.decode()

    assert "title|The title|required\nlogo_file|Your logo||PNG or SVG</textarea>" in text
    assert "files_at_least|1|The banner is there</textarea>" in text
    assert 'value="29.90"' in text and 'value="banner, web"' in text
    assert "Price minor" not in text


def test_a_service_saved_as_it_is_stays_as_it_was(staff_client):
    staff_client.post(f"{LIST}add/", filled())
    gig, package = Gig.objects.get(), Package.objects.get()
    same = filled(**{"packages-INITIAL_FORMS": "1", "packages-0-id": package.pk, "packages-0-gig": gig.pk})

    answer = staff_client.post(f"{LIST}{gig.pk}/change/", same)

    assert answer.status_code == 302
    unchanged = Package.objects.get()
    assert (unchanged.price_minor, unchanged.features, unchanged.checklist) == (
        package.price_minor,
        package.features,
        package.checklist,
    )


@pytest.mark.parametrize(
    "field, value, words",
    [
        ("requirements", "Your logo", "Line 1 is not name|label|required."),
        ("packages-0-price", "cheap", "cheap"),
        ("packages-0-price", "-1", "It is at least 0."),
        ("packages-0-currency", "US", "US"),
        ("packages-0-checklist", "beauty|1|Fine", "is no check; there are"),
        ("packages-0-features", "[1]", "is not a list of texts."),
    ],
)
def test_what_can_not_be_read_is_said_at_its_field(staff_client, field, value, words):
    answer = staff_client.post(f"{LIST}add/", filled(**{field: value}))

    form = (
        answer.context["adminform"].form
        if "packages" not in field
        else answer.context["inline_admin_formsets"][0].formset.forms[0]
    )
    assert words in " ".join(form.errors[field.removeprefix("packages-0-")])
    assert not Gig.objects.exists()


def test_a_new_service_has_room_for_its_first_package(staff_client):
    text = staff_client.get(f"{LIST}add/").content.decode()
    other = staff_client.get(f"{LIST}{make_gig().pk}/change/").content.decode()

    assert 'name="packages-0-price"' in text and 'value="USD"' in text
    assert 'name="packages-1-price"' not in other
