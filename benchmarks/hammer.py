"""GETs from a client that costs next to nothing: many at a time on each connection, answers only counted.

`python -m benchmarks.hammer PORT SECONDS DEPTH PATH...` prints JSON: requests a second, and p50 and p99 of
requests that are asked one by one, in milliseconds.
"""

import json
import re
import socket
import sys
import threading
import time

CONNECTIONS = 4
ASKED_ALONE = 200
LONGEST_ALONE = 10  # seconds


class Client:
    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f"127.0.0.1:{port}"
        self._rest = b""

    def ask(self, paths):
        """Send GETs of all paths at once and wait for all answers; only 200 will do."""
        requests = "".join(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n" for path in paths)
        self._socket.sendall(requests.encode())
        for _ in paths:
            self._skip()

    def _skip(self):
        said = self._rest
        while (end := said.find(b"\r\n\r\n")) < 0:
            said += self._more()
        length = int(re.search(rb"content-length: (\d+)", said[:end], re.IGNORECASE)[1])
        if not said.startswith(b"HTTP/1.1 200"):
            raise SystemExit(said[:300].decode(errors="replace"))
        missing = end + 4 + length - len(said)
        if missing <= 0:
            self._rest = said[end + 4 + length :]
            return
        while missing > 0:
            more = self._more()
            missing -= len(more)
        self._rest = more[len(more) + missing :] if missing else b""

    def _more(self):
        more = self._socket.recv(1 << 18)
        if not more:
            raise SystemExit("the server hung up")
        return more


def main(port, seconds, depth, paths):
    for path in paths:  # what is kept is made once, what is compiled is compiled
        Client(port).ask([path])
    counts, ends = [], time.perf_counter() + seconds

    def work(number):
        client, asked = Client(port), 0
        while time.perf_counter() < ends:
            client.ask([paths[(number + asked + step) % len(paths)] for step in range(depth)])
            asked += depth
        counts.append(asked)

    began = time.perf_counter()
    threads = [threading.Thread(target=work, args=[number * 7]) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = sum(counts) / (time.perf_counter() - began)
    alone, client = [], Client(port)
    ends = time.perf_counter() + LONGEST_ALONE
    for number in range(ASKED_ALONE):
        start = time.perf_counter()
        if start > ends:
            break
        client.ask([paths[number % len(paths)]])
        alone.append((time.perf_counter() - start) * 1000)
    alone.sort()
    print(json.dumps({"rate": rate, "p50": alone[len(alone) // 2], "p99": alone[int(len(alone) * 0.99)]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
