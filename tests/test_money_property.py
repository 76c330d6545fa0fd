"""Whatever happens to money, in any order and however often, the ledger stays sound and true to what happened."""

import os
import threading

import pytest
from django.core.management import call_command
from django.db import connections

from tests.money_world import ACTIONS, StrictStripe, World
from tests.stripe_fake import SECRET

SEED = int(os.environ.get("MONEY_SEED", "1"))
MANY = int(os.environ.get("MONEY_ACTIONS", "10000"))


@pytest.fixture
def stripe(settings):
    settings.DEMO_PAYMENTS = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with StrictStripe() as fake:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_live_fake", SECRET
        settings.STRIPE_API_BASE = fake.url
        yield fake


def live(world, steps, ask_every):
    """So many actions, with a look at everything now and then; fails with the seed and the last actions."""
    for number in range(1, steps + 1):
        try:
            world.step()
            faults = world.faults() if number % ask_every == 0 else []
        except Exception as error:
            pytest.fail(f"seed {world.seed}, action {number}, {world.log[-1]}: {type(error).__name__}: {error}")
        assert not faults, (world.seed, number, world.log[-ask_every:], faults)
    world.come_to_rest()
    assert world.faults() + world.unlike_stripe() == [], world.seed
    call_command("ledger_check")


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_two_hundred_random_actions_leave_the_ledger_sound(stripe, seed):
    world = World(seed, stripe)

    live(world, 200, ask_every=20)

    assert len(world.done) > len(set(ACTIONS)) / 2


@pytest.mark.django_db(transaction=True)
def test_three_who_do_anything_at_once_leave_the_ledger_sound(stripe):
    first = World(SEED, stripe)
    worlds = [first, *(World(SEED + number, stripe, beside=first) for number in (100, 200))]
    broken = []

    def act(world):
        try:
            for _ in range(60):
                world.step()
        except Exception as error:
            broken.append((world.seed, world.log[-1], repr(error)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=[world]) for world in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for world in worlds:
        world.come_to_rest()
    assert broken == []
    assert first.faults() + first.unlike_stripe() == []


@pytest.mark.slow
@pytest.mark.django_db
def test_many_random_actions_leave_the_ledger_sound(stripe):
    world = World(SEED, stripe)

    live(world, MANY, ask_every=500)

    assert set(world.done) == set(ACTIONS)
