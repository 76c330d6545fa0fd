"""The cache of all processes, when its Redis is gone."""

import pytest
from django.core.cache import caches

from agency.outages import redis_fault

redis_cache = pytest.importorskip("config.redis_cache")
pytestmark = pytest.mark.django_db


@pytest.fixture
def lost(settings):
    """The default cache in a Redis that is not there: port 1 has no listener."""
    settings.CACHES = {
        "default": {"BACKEND": "config.redis_cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    return caches["default"]


def test_without_its_redis_the_cache_is_empty_and_says_so_once(lost, caplog):
    lost.set("a", 1)

    assert (lost.get("a"), lost.get("a", "default"), lost.get_many(["a"])) == (None, "default", {})
    assert lost.add("a", 1) is True
    assert lost.incr("a") == 1
    lost._cache._away_until = 0.0  # a second later
    assert lost.get("a") is None
    assert caplog.text.count("going on without the cache") == 1


def test_a_redis_that_does_not_answer_is_named_at_start_without_its_password(settings):
    settings.REDIS_URL = "redis://:hush@127.0.0.1:1/0"

    said = redis_fault()

    assert said.startswith("REDIS_URL: Redis at 127.0.0.1:1 does not answer, going on without it: ")
    assert "hush" not in said and "\n" not in said


def test_without_its_redis_the_api_lets_everybody_in(lost, api):
    assert api.get("/api/v1/runs").status_code == 200
    assert api.post("/api/v1/orchestrate/sales", {"operation": "inventory_audit"}).status_code == 202
