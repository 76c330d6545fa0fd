"""A kept HTTP connection that costs the client next to nothing."""

import json
import socket
import threading
import time


class Line:
    """One keep-alive connection to 127.0.0.1."""

    def __init__(self, port):
        self._address = ("127.0.0.1", port)
        self._socket = None

    def post(self, path, body, token=""):
        """POST JSON; returns status and body."""
        payload = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._address[1]}\r\nContent-Type: application/json\r\n"
        if token:
            head += f"Authorization: Token {token}\r\n"
        request = f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        return self._answer()

    def _answer(self):
        said = b""
        while b"\r\n\r\n" not in said:
            said += self._more()
        head, _, body = said.partition(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
        while len(body) < length:
            body += self._more()
        return int(lines[0].split()[1]), body

    def _more(self):
        chunk = self._socket.recv(65536)
        if not chunk:
            raise SystemExit("the server hung up")
        return chunk


def is_up(port):
    """Whether a server listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def rate(post, count, lines):
    """Requests a second when `lines` connections send `count` in all; `post(number, line)` sends one."""
    numbers = iter(range(count))
    lock = threading.Lock()
    failures = []

    def client(line):
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            status, body = post(number, line)
            if status != 202:
                failures.append((status, body[:300]))
                return

    clients = [threading.Thread(target=client, args=[line]) for line in lines]
    began = time.perf_counter()
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    if failures:
        raise SystemExit(f"the server said {failures[0]}")
    return count / (time.perf_counter() - began)
