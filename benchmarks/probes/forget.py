"""Delete what a benchmark left on Redis: its own keys only."""

import redis
from django.conf import settings

if __name__ == "__main__":
    server = redis.Redis.from_url(settings.BENCH_REDIS_URL)
    for key in server.scan_iter(f"*{settings.BENCH_PREFIX}*"):
        server.delete(key)
