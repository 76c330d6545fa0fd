"""A mail server for tests that really speaks SMTP, and can be away, hang, or refuse."""

import socket
import socketserver
import threading
from email import message_from_bytes
from email.policy import default


class Dialog(socketserver.StreamRequestHandler):
    def handle(self):
        server = self.server.owner
        server.connections += 1
        self._say("220 mail.test ready")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            verb = verb.upper()
            if verb in server.hangs_at:
                server.is_over.wait(20)
                return
            if verb in server.answers:
                self._say(server.answers[verb])
            elif verb == "DATA":
                self._take_mail()
                if server.after_data == "drop":
                    return
            elif verb == "RCPT":
                self.to = rest.partition("<")[2].partition(">")[0]
                self._say(server.refused.get(self.to, "250 ok"))
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take_mail(self):
        server = self.server.owner
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        if server.after_data != "drop":
            server.mails.append((self.to, message_from_bytes(b"".join(lines), policy=default)))
            server.on_taken()
            self._say(server.after_data)

    def _say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class MailServer:
    """`mails` lists `(address, message)`. `hangs_at` names verbs that get no answer, `answers` what others get,
    `refused` the answer to a recipient; `after_data` "drop" ends the connection without taking the mail, and
    `on_taken` is called when one is taken, before its sender hears of it."""

    def __init__(self):
        self.mails, self.connections = [], 0
        self.hangs_at, self.answers, self.refused = set(), {}, {}
        self.after_data, self.on_taken = "250 taken", lambda: None
        self.is_over = threading.Event()
        self._server = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self):
        self._server = _Server(("127.0.0.1", self.port), Dialog)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.is_over.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
