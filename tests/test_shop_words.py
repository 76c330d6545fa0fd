"""What the start page, the footer, the feed and search engines say of a shop that is not the demo."""

import pytest

pytestmark = pytest.mark.django_db

OF_THE_DEMO = (
    "one-person studio",
    "launch kit",
    "We have drawn the map",
    "hero.svg",
    "share.png",
    "DOCX",
    "from one desk",
    "favicon.svg",
)


def said(client):
    pages = [client.get(path).content.decode() for path in ("/", "/catalog/", "/feed/")]
    return pages[0], "".join(pages).lower()


def test_the_demo_speaks_of_its_goods(client):
    home, everything = said(client)

    assert [words for words in OF_THE_DEMO if words.lower() not in everything] == []
    assert "<h1>Bring a light. <em>We have drawn the map.</em></h1>" in home


def test_a_shop_with_a_name_of_its_own_says_nothing_of_the_demos_goods(client, settings):
    settings.STORE_NAME = "Reef Works"

    home, everything = said(client)

    assert [words for words in OF_THE_DEMO if words.lower() in everything] == []
    assert "<h1>Reef Works</h1>" in home
    assert '<meta name="description" content="Reef Works: what we sell, and what we do for you.">' in home


def test_an_owners_own_words_stand_where_the_shop_speaks_of_itself(client, settings):
    settings.STORE_NAME, settings.STORE_TAGLINE = "Reef Works", "Maps & <charts>"
    settings.STORE_INTRO = "Drawn by hand in Izmir."

    home, _ = said(client)

    assert "<title>Reef Works: Maps &amp; &lt;charts&gt;</title>" in home
    assert "<h1>Maps &amp; &lt;charts&gt;</h1>" in home
    assert '<p class="lead">Drawn by hand in Izmir.</p>' in home
    assert '<meta name="description" content="Drawn by hand in Izmir.">' in home
    assert "<p>Maps &amp; &lt;charts&gt;</p>" in home[home.index("foot-brand") :]


def test_a_word_of_the_owner_puts_the_demos_away_even_under_its_name(client, settings):
    settings.STORE_TAGLINE = "Maps and charts"

    _, everything = said(client)

    assert [words for words in OF_THE_DEMO if words.lower() in everything] == []


@pytest.mark.parametrize(
    ("name", "shown"), [("reef works", ">R<"), (" “Ölçü” & Co", ">Ö<"), ("&", ">&amp;<"), ("ﬁne things", ">F<")]
)
def test_a_shop_with_a_name_of_its_own_has_its_initial_as_icon(client, staff_client, settings, name, shown):
    client.get("/")  # the demo's, which leaves nothing behind
    settings.STORE_NAME = name

    icon = client.get("/icon.svg")

    assert (icon.status_code, icon["Content-Type"]) == (200, "image/svg+xml")
    assert shown in icon.content.decode()
    link = '<link rel="icon" href="/icon.svg" type="image/svg+xml">'
    assert link in client.get("/").content.decode() and link in staff_client.get("/admin/").content.decode()
    assert 'src="/icon.svg"' in client.get("/cart/").content.decode()
