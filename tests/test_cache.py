"""The cache of an installation without Redis: one file that processes share and count in."""

import threading

import pytest

from config.cache import OneFileCache


@pytest.fixture
def store(tmp_path):
    return OneFileCache(tmp_path / "deep" / "cache.sqlite3", {})


def test_values_of_any_kind_come_back_as_they_were(store):
    for value in (1, -1, 2**70, True, None, "text", [1, {"a": b"b"}]):
        store.set("key", value)

        assert store.get("key") == value
        assert type(store.get("key")) is type(value)


def test_what_is_not_there_is_the_default(store):
    assert store.get("key") is None
    assert store.get("key", 7) == 7
    assert store.delete("key") is False
    assert "key" not in store


def test_what_is_past_its_time_is_gone(store):
    store.set("key", 1, timeout=-1)

    assert (store.get("key"), store.touch("key")) == (None, False)
    assert store.add("key", 2) is True
    assert store.get("key") == 2


def test_adding_keeps_what_is_there(store):
    assert (store.add("key", 1), store.add("key", 2), store.get("key")) == (True, False, 1)


def test_a_time_can_be_made_longer(store):
    store.set("key", 1, timeout=100)

    assert (store.touch("key", 200), store.touch("other", 200)) == (True, False)


def test_only_counts_are_counted(store):
    store.set("text", "1")
    store.set("count", 1)

    assert (store.incr("count"), store.incr("count", 5), store.decr("count")) == (2, 7, 6)
    for key in ("text", "nothing"):
        with pytest.raises(ValueError, match="holds no count"):
            store.incr(key)


def test_clearing_leaves_nothing(store):
    store.set_many({"a": 1, "b": "2"})
    store.clear()

    assert store.get_many(["a", "b"]) == {}


def test_what_is_past_its_time_is_swept_away(store):
    for number in range(600):
        store.add(f"key-{number}", 0, timeout=-1)

    assert store._run("SELECT count(*) FROM entry")[0] <= 101


def test_threads_at_once_lose_no_count(tmp_path):
    path = tmp_path / "cache.sqlite3"

    def count():
        store = OneFileCache(path, {})
        store.add("count", 0)
        for _ in range(200):
            store.incr("count")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert OneFileCache(path, {}).get("count") == 1600
