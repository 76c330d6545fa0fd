"""The ledger is proved every night, once, and its result is where people look."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from agency import readiness
from earnings import nightly
from earnings.models import LedgerCheck
from tests.test_ledger import PLANTED, pay, plant

pytestmark = pytest.mark.django_db
EVENING = datetime(2026, 3, 10, 20, tzinfo=UTC)
NIGHT = datetime(2026, 3, 11, 3, tzinfo=UTC)


def test_a_night_has_one_check_from_three_on():
    pay()

    evening = nightly.check_if_due(EVENING)
    later = nightly.check_if_due(NIGHT - timedelta(seconds=1))
    night = nightly.check_if_due(NIGHT)

    assert (str(evening.night), later, str(night.night)) == ("2026-03-10", None, "2026-03-11")
    assert (night.is_sound, night.counts) == (True, {"earnings": 1, "entries": 1, "postings": 3})
    assert nightly.check_if_due(NIGHT + timedelta(hours=20)) is None


def test_the_night_is_the_stores_own(settings):
    settings.STORE_TIMEZONE = "Asia/Tokyo"

    assert str(nightly.night_of(datetime(2026, 3, 10, 17, 59, tzinfo=UTC))) == "2026-03-10"
    assert str(nightly.night_of(datetime(2026, 3, 10, 18, 0, tzinfo=UTC))) == "2026-03-11"


def test_a_ledger_without_entries_needs_no_check():
    assert nightly.check_if_due(NIGHT) is None


def test_a_check_that_was_killed_is_made_again_and_one_that_runs_is_not():
    pay()
    LedgerCheck.objects.create(night="2026-03-11", started_at=NIGHT)

    meanwhile = nightly.check_if_due(NIGHT + timedelta(minutes=59))
    after = nightly.check_if_due(NIGHT + timedelta(minutes=61))

    assert meanwhile is None
    assert (after.night.isoformat() if hasattr(after.night, "isoformat") else after.night) == "2026-03-11"
    assert LedgerCheck.objects.get().is_sound


def test_a_check_keeps_what_it_found_by_name():
    pay()
    plant(PLANTED["earning key"])

    found = nightly.check_if_due(NIGHT)

    assert (found.is_sound, found.number) == (False, 1)
    assert found.violations == [
        {
            "code": "key.malformed",
            "subject": "no key",
            "detail": "a key is written like order:DB-000123:line:2:paid",
        }
    ]


def test_readiness_tells_what_the_last_check_found_and_stays_ready():
    before = readiness.state()["ledger"]
    pay()
    nightly.check_if_due()
    sound = readiness.state()["ledger"]
    plant(PLANTED["earning key"])
    with pytest.raises(SystemExit):
        call_command("ledger_check")
    later = timezone.now() + timedelta(hours=5)

    assert before == {"ok": True, "detail": "not checked yet"}
    assert sound == {"ok": True, "detail": "sound, checked 0 h ago"}
    assert readiness.state(later)["ledger"] == {
        "ok": False,
        "detail": "1 violations, the admin names them, checked 5 h ago",
    }


@pytest.mark.django_db(transaction=True)
def test_of_several_processes_that_look_at_once_one_checks():
    pay()
    made, errors = [], []

    def look():
        try:
            made.append(nightly.check_if_due(NIGHT))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len([one for one in made if one]) == 1
    assert LedgerCheck.objects.get().is_sound
