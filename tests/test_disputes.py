"""A dispute and a refund of one sale never both deduct, in whatever order they are told."""

import random
import threading
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from django.db import connection

from earnings import audit, dashboard, disputes, ledger
from earnings.ledger import Work
from earnings.models import Channel, JournalEntry
from earnings.refusals import Refusal

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
URL = "/api/v1/earnings/disputes"


def sell(number=1, work=Work.DONE):
    return ledger.record_paid(
        key=f"service_order:{number}",
        occurred_at=NOON,
        work=work,
        kind="real",
        title="Logo",
        gross_minor=10000,
        fee_minor=300,
        currency="USD",
        channel=Channel.objects.get(pk="fiverr"),
        source="service_order",
    )


def refund(earning, gross=10000, fee=300):
    return ledger.refund(earning, f"{earning.key}:refund:{gross}", NOON, gross_minor=gross, fee_minor=fee)


def figures():
    answer = dashboard.summary(dashboard.Scope(at=NOON))
    return answer["earned"]["minor"], {
        name: one["minor"] for name, one in answer["buckets"].items() if one["minor"]
    }


def test_contested_money_is_set_apart_and_costs_the_fee_of_the_dispute():
    earning = sell()

    first, again = (disputes.contest(earning, NOON, fee_minor=1500) for _ in range(2))

    assert first == again
    assert figures() == (8200, {"available": -1500, "disputed": 9700})


def test_a_dispute_that_was_won_is_money_again_once():
    earning = sell()
    disputes.contest(earning, NOON)

    first, again = (disputes.win(earning, NOON) for _ in range(2))

    assert first == again
    assert figures() == (9700, {"pending": 9700})
    with pytest.raises(Refusal, match="won before"):
        disputes.lose(earning, NOON)


def test_a_dispute_that_was_lost_takes_the_sale_and_the_channel_keeps_its_fee():
    earning = sell()
    disputes.contest(earning, NOON, fee_minor=1500)

    first, again = (disputes.lose(earning, NOON) for _ in range(2))

    assert first == again
    assert figures() == (-1800, {"available": -1800})
    with pytest.raises(Refusal, match="lost before"):
        disputes.win(earning, NOON)
    assert audit.violations() == []


def test_a_refund_after_a_dispute_that_was_lost_deducts_nothing():
    earning = sell()
    disputes.contest(earning, NOON)
    disputes.lose(earning, NOON)

    with pytest.raises(Refusal):
        refund(earning)

    assert figures()[0] == -300


def test_a_dispute_of_what_was_given_back_deducts_nothing():
    earning = sell()
    refund(earning)

    with pytest.raises(Refusal, match="nothing to book"):
        disputes.contest(earning, NOON)

    assert figures()[0] == 0


@pytest.mark.parametrize("end", [disputes.win, disputes.lose])
def test_what_is_given_back_while_it_is_contested_is_not_taken_again(end):
    earning = sell()
    disputes.contest(earning, NOON)
    refund(earning)

    assert (end(earning, NOON), end(earning, NOON)) == (None, None)
    assert figures() == (0, {})


def test_of_a_part_refund_before_or_in_a_dispute_only_the_rest_is_decided():
    before, during, won = sell(1), sell(2), sell(3)
    refund(before, 4000, 120)
    for earning in (before, during, won):
        disputes.contest(earning, NOON)
    refund(during, 4000, 120)
    refund(won, 4000, 120)

    disputes.lose(before, NOON)
    disputes.lose(during, NOON)
    disputes.win(won, NOON)

    # of each lost sale the channel keeps 180 of its fee; of the won one 60 % are left
    assert figures() == (9700 * 6 // 10 - 2 * 180, {"pending": 5820, "available": -360})
    assert audit.violations() == []


@pytest.mark.parametrize("end", [disputes.win, disputes.lose])
def test_the_fee_of_a_dispute_of_what_was_given_back_is_booked_once_and_nothing_else(end):
    earning = sell()
    refund(earning)

    first, again = (disputes.contest(earning, NOON, fee_minor=1500) for _ in range(2))

    assert first == again
    assert (end(earning, NOON), end(earning, NOON)) == (None, None)
    assert figures() == (-1500, {"available": -1500})
    assert audit.violations() == []


def test_a_dispute_that_is_told_again_after_it_was_lost_costs_no_second_fee():
    earning = sell()
    disputes.contest(earning, NOON)
    disputes.lose(earning, NOON)

    for _ in range(2):
        disputes.contest(earning, NOON, fee_minor=1500)

    assert figures() == (-300 - 1500, {"available": -1800})


def test_won_money_lies_where_it_was_less_what_was_given_back_of_it_meanwhile():
    """As if nobody had contested it: a refund takes what has come least far."""
    waiting, free, at_the_bank = sell(1), sell(2), sell(3)
    for earning in (free, at_the_bank):
        ledger.clear(earning, f"{earning.key}:cleared", NOON)
    ledger.pay_out(at_the_bank, f"{at_the_bank.key}:out", NOON)
    for earning in (waiting, free, at_the_bank):
        disputes.contest(earning, NOON)
        refund(earning, 4000, 120)
        disputes.win(earning, NOON)

    # What was given back of the third is the channel's to take out of what it owes us.
    assert figures() == (3 * 5820, {"pending": 5820, "available": 5820 - 3880, "paid_out": 9700})
    assert audit.violations() == []


@pytest.mark.parametrize(("end", "left"), [(disputes.win, 9700), (disputes.lose, -300)])
def test_a_refund_that_fails_after_the_dispute_was_decided_is_decided_with_it(end, left):
    earning = sell()
    disputes.contest(earning, NOON)
    given = refund(earning, 4000, 120)
    end(earning, NOON)
    ledger.reverse(given, f"{given.key}:failed", NOON)

    end(earning, NOON)
    end(earning, NOON)

    total, buckets = figures()
    assert (total, buckets.get("disputed", 0), sum(buckets.values())) == (left, 0, left)
    assert audit.violations() == []


def test_a_sale_may_be_contested_again():
    earning = sell()
    disputes.contest(earning, NOON)
    disputes.win(earning, NOON)

    second = disputes.contest(earning, NOON)

    assert second.key == "service_order:1:dispute:2"
    assert figures() == (9700, {"disputed": 9700})


def test_what_nobody_contests_is_not_decided_and_what_is_owed_not_contested():
    with pytest.raises(Refusal, match="Nobody contests"):
        disputes.win(sell(1), NOON)
    with pytest.raises(Refusal):
        disputes.contest(sell(2, Work.OWED), NOON)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_in_whichever_order_a_sale_is_deducted_at_most_once(seed):
    choose, earning = random.Random(seed), sell()
    steps = [
        lambda: disputes.contest(earning, NOON),
        lambda: disputes.win(earning, NOON),
        lambda: disputes.lose(earning, NOON),
        lambda: refund(earning),
        lambda: refund(earning, 2500, 75),
        lambda: ledger.clear(earning, f"{earning.key}:cleared:{choose.random()}", NOON),
        lambda: ledger.pay_out(earning, f"{earning.key}:paid:{choose.random()}", NOON),
    ]

    for _ in range(15):
        with suppress(Refusal):
            choose.choice(steps)()

    assert -300 <= figures()[0] <= 9700
    assert audit.violations() == []


@pytest.mark.django_db(transaction=True)
def test_a_refund_and_a_lost_dispute_at_once_deduct_once():
    earning = sell()
    disputes.contest(earning, NOON)
    answers = []

    def work(verb):
        try:
            answers.append(bool(verb()))
        except Refusal:
            answers.append(False)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=work, args=(verb,))
        for verb in (lambda: disputes.lose(earning, NOON), lambda: refund(earning))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [False, True]
    assert JournalEntry.objects.filter(event="refunded").count() == 1
    assert audit.violations() == []


def test_programs_tell_of_disputes(api):
    sell()
    asked = {"earning": "service_order:1"}

    opened = api.post(URL, asked | {"outcome": "open", "fee": "15.00"}, format="json")
    lost = api.post(URL, asked | {"outcome": "lost"}, format="json")
    won = api.post(URL, asked | {"outcome": "won"}, format="json")
    replayed = api.post(URL, asked | {"outcome": "lost"}, format="json", headers={"Idempotency-Key": "one"})
    other = api.post(URL, asked | {"outcome": "open"}, format="json", headers={"Idempotency-Key": "one"})

    assert (opened.status_code, opened.json()["entry"]["key"]) == (200, "service_order:1:dispute:1")
    assert lost.json()["entry"]["event"] == "refunded"
    assert (won.status_code, won.json()["detail"]) == (409, "This dispute was lost before.")
    assert (replayed.json(), other.status_code) == (lost.json(), 422)


@pytest.mark.parametrize(
    ("asked", "status", "pointer"),
    [
        ({"earning": "service_order:9", "outcome": "open"}, 422, "/earning"),
        ({"earning": "service_order:1", "outcome": "open", "fee": "-1"}, 422, "/fee"),
        ({"earning": "service_order:1", "outcome": "won", "fee": "1"}, 422, "/fee"),
        ({"earning": "service_order:1", "outcome": "maybe"}, 400, "/outcome"),
    ],
)
def test_a_dispute_that_can_not_be_is_refused_by_name(api, asked, status, pointer):
    sell()

    answer = api.post(URL, asked, format="json")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
    assert not JournalEntry.objects.filter(event="disputed").exists()


def test_the_fee_of_a_dispute_is_booked_when_all_was_given_back_after_its_payout():
    earning = sell(1)
    ledger.clear(earning, f"{earning.key}:cleared", NOON)
    ledger.pay_out(earning, f"{earning.key}:out", NOON)
    refund(earning, 10000, 300)

    disputes.contest(earning, NOON, fee_minor=1500)

    assert figures()[1]["available"] == -9700 - 1500
    assert audit.violations() == []
