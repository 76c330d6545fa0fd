"""Guests who each buy one thing: what the last POST of a purchase costs, the one that places the order.

`python -m benchmarks.buyers PORT COUNT ours|oscar PATH...` fills COUNT carts with the products at these paths, and
goes with each up to that POST; then four connections send them all. It prints JSON: POSTs a second, and p50 and
p99 of a POST in milliseconds.
"""

import http.client
import json
import re
import secrets
import sys
import threading
import time
from urllib.parse import urlencode, urlsplit

CONNECTIONS = 4
HIDDEN = re.compile(r"<input[^>]*type=\"hidden\"[^>]*>")
RADIO = re.compile(r"<input[^>]*type=\"radio\"[^>]*>")
ENDS = {"ours": "/orders/", "oscar": "/checkout/thank-you/"}  # where a placed order leads
ATTRIBUTE = re.compile(r"(name|value)=\"([^\"]*)\"")


class Guest:
    """A browser without JavaScript: it keeps cookies, and sends forms as they stand in the page."""

    def __init__(self, port, number, connection):
        self.connection = connection
        self._origin = f"http://127.0.0.1:{port}"
        self._address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"  # each is one caller
        self._cookies = {}

    def get(self, path):
        """The page that it ends on."""
        for _ in range(5):
            answer, text = self._ask("GET", path, None)
            if answer.status == 200:
                return text
            path = self._there(answer, path)
        raise ValueError(f"GET {path}: too many redirects")

    def post(self, path, values):
        """Where the answer leads: every form here is answered with a redirect."""
        answer, text = self._ask("POST", path, urlencode(values))
        return self._there(answer, path, text)

    def _there(self, answer, path, text=""):
        if answer.status not in (302, 303):
            raise ValueError(f"{path}: {answer.status} {text[:2000]}")
        there = urlsplit(answer.headers["Location"])
        return there.path + (f"?{there.query}" if there.query else "")

    def _ask(self, method, path, body):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        headers |= {"Origin": self._origin, "X-Forwarded-For": self._address}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer, text


def fields(html, pattern=HIDDEN):
    """Name and value of each input that the pattern finds."""
    found = [dict(ATTRIBUTE.findall(tag)) for tag in pattern.findall(html)]
    return {field["name"]: field.get("value", "") for field in reversed(found)}  # of equal names the first


def of_ours(guest, path):
    """Up to the order: (path, values) of the POST that places it."""
    slug = path.strip("/").rpartition("/")[2]
    guest.post("/cart/add/", {"product": slug, "quantity": 1})
    page = guest.get("/checkout/")
    return "/checkout/", fields(page) | fields(page, RADIO) | {"name": "A Guest", "email": address()}


def of_oscar(guest, path):
    """The same in django-oscar with its anonymous checkout, of a thing that is not shipped."""
    page = guest.get(path)
    add = re.search(r'action="(/basket/add/\d+/)"', page)[1]
    guest.post(add, fields(page) | {"quantity": 1})
    gateway = fields(guest.get("/checkout/"))
    guest.get(guest.post("/checkout/", gateway | {"options": "anonymous", "username": address()}))
    preview = fields(guest.get("/checkout/preview/"))
    return "/checkout/preview/", preview | {"action": "place_order"}


def address():
    return f"{secrets.token_hex(8)}@guest.example"  # nobody orders the same twice


def main(port, count, shop, paths):
    go = {"ours": of_ours, "oscar": of_oscar}[shop]
    seed = secrets.randbelow(1 << 20)
    first = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    guests = [Guest(port, seed + number, first) for number in range(count)]
    ready = [(guest, *go(guest, paths[number % len(paths)])) for number, guest in enumerate(guests)]
    times, elsewhere, lock = [], [], threading.Lock()

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.connect()
        while True:
            with lock:
                if not ready:
                    return
                guest, path, values = ready.pop()
            guest.connection = connection
            began = time.perf_counter()
            there = guest.post(path, values)
            times.append((time.perf_counter() - began) * 1000)
            if not there.startswith(ENDS[shop]):
                elsewhere.append(there)

    began = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if len(times) < count or elsewhere:
        raise SystemExit(f"{len(times)} of {count} orders were placed; some led to {elsewhere[:3]}")
    times.sort()
    print(json.dumps({"rate": count / took, "p50": times[count // 2], "p99": times[int(count * 0.99)]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
