"""A mail server on loopback that says of each command what the test wants."""

import socketserver
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Final

_FINE: Final[Mapping[str, str]] = {
    "EHLO": "250-mail.test\r\n250 AUTH PLAIN LOGIN",
    "DATA": "354 Go on",
    "QUIT": "221 Bye",
}


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, replies: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.replies = {**_FINE, **replies}
        self.mails: list[str] = []

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say(self.server.replies.get("HELLO", "220 mail.test"))
        while line := self.rfile.readline():
            command = line.decode().split()[0].upper()
            reply = self.server.replies.get(command, "250 Fine")
            self._say(reply)
            if command == "DATA" and reply.startswith("354"):
                self._take()
            if command == "QUIT":
                return

    def _take(self) -> None:
        lines: list[str] = []
        while (line := self.rfile.readline().decode()) not in {".\r\n", ""}:
            lines.append(line)
        self.server.mails.append("".join(lines))
        self._say("250 Taken")

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


@contextmanager
def running_mail_server(**replies: str) -> Iterator[MailServer]:
    with MailServer(replies) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
