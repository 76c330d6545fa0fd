"""The earnings in the admin, in a real browser: live, whole, and readable to everybody."""

import pytest
from django.utils import timezone

from agency import quantum_state
from agency.models import Intent
from earnings import ledger, nightly, payouts
from earnings.models import Channel
from tests.test_browser_admin import address, signed_in  # noqa: F401  fixtures
from tests.test_browser_pages import axe, browser_type_launch_args, scheme  # noqa: F401  fixtures

# The other legs read this file without having the browser's tools.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sell(number, channel="direct", **facts):
    facts = {"kind": "real", "currency": "USD", "gig": "logo-design", "client": "Ada Byron"} | facts
    earning = ledger.record_paid(
        key=f"order:{number}",
        occurred_at=timezone.now(),
        work=ledger.Work.DONE,
        title=f"A logo, number {number}",
        gross_minor=123456,
        fee_minor=3456,
        channel=Channel.objects.get(pk=channel),
        source="order",
        reference=f"DB-{number:06d}",
        **facts,
    )
    ledger.clear(earning, f"order:{number}:cleared", timezone.now())
    return earning


def books():
    """A ledger with something of everything; returns {name: address} of its pages."""
    refunded = sell(1)
    ledger.refund(refunded, "order:1:refund", timezone.now(), gross_minor=50000, fee_minor=1400)
    sell(2, "fiverr")
    sell(3, currency="EUR")
    purse = ledger.Purse(Channel.objects.get(pk="fiverr"), "USD")
    payout = payouts.record(purse, "payout:1", timezone.now(), reference="BANK-7")
    sell(4, "fiverr")
    wish = quantum_state.superpose("Maximize profit")
    Intent.objects.filter(pk=wish.pk).update(status="collapsed", collapsed_at=timezone.now())
    check = nightly.check_if_due()
    board, entries = address("earnings_earning_dashboard"), address("earnings_journalentry_changelist")
    return {
        "front": address("index"),
        "board": board,
        "hours by client": f"{board}?series=hour&by=client",
        "empty": f"{board}?kind=simulated&series=month&by=gig",
        "entries of a figure": f"{entries}?kind=real&figure=earned&currency=USD",
        "record a payout": address("earnings_payout_add"),
        "payout": address("earnings_payout_change", payout.pk),
        "payout came back": address("earnings_payout_verb", payout.pk, "return"),
        "check": address("earnings_ledgercheck_change", check.pk),
        "wish": address("agency_intent_change", wish.pk),
    }


@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_of_money_are_accessible_whole_and_silent(signed_in, scheme, axe, width):  # noqa: F811
    context = signed_in(color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 800})
    wrong = {}
    for name, where in books().items():
        page, said = context.new_page(), []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.goto(where)
        page.wait_for_timeout(300)
        for details in page.locator("#content details").all():
            details.evaluate("details => details.open = true")
        heard = list(said)  # axe's own stylesheets break the policy, later
        results = axe.run(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if heard or results.violations_count or wide > width:
            wrong[name] = (heard, results.generate_report(), wide)
        page.close()

    assert wrong == {}


def test_a_sale_shows_by_itself_and_its_figure_opens_to_it(signed_in):  # noqa: F811
    page = signed_in().new_page()
    page.goto(address("earnings_earning_dashboard"))
    expect(page.get_by_text("Nothing was earned yet.")).to_be_visible()

    sell(7)

    today = page.locator(".earnings-periods a").first
    expect(today).to_have_text("$1,200.00", timeout=8000)
    today.click()
    expect(page.get_by_text("Earned: $1,200.00 real")).to_be_visible()
    expect(page.get_by_role("link", name="order:7:earned")).to_be_visible()
