"""The SMTP door against a server that speaks the protocol and answers as told."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest

from marketplace.gateways.mail import Permanent, Temporary
from marketplace.gateways.mail_smtp import SmtpMail, server


class Talk(socketserver.StreamRequestHandler):
    """One connection. `answers` of the server says what a command is answered with instead of 250."""

    def handle(self) -> None:
        post: Post = self.server  # type: ignore[assignment]
        self.say("220 post.example")
        while line := self.rfile.readline():
            verb = line.split()[0].upper().decode()
            if verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "DATA" and "DATA" not in post.answers:
                self.say("354 go on")
                post.letters.append(self.body())
                self.say(post.answers.get("END", "250 kept"))
                continue
            self.say(post.answers.get(verb, "250 fine"))

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")

    def body(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)


class Post(socketserver.ThreadingTCPServer):
    """The server; keeps what it is given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.letters: list[bytes] = []
        self.answers: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def post() -> Iterator[Post]:
    with Post() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def message() -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"], made["Subject"] = "noreply@declic.example", "camille@eaux.example", "Séance"
    made.set_content("Bonjour,\n.\nà mardi\n")
    return made


def test_the_whole_message_arrives(post: Post) -> None:
    SmtpMail(post.url).send(message())
    arrived = BytesParser(policy=policy.SMTP).parsebytes(post.letters[0])
    assert arrived["Subject"] == "Séance"
    assert arrived.get_content().splitlines() == ["Bonjour,", ".", "à mardi"]


@pytest.mark.parametrize(
    ("verb", "answer", "error"),
    [
        ("RCPT", "550 no such user", Permanent),
        ("RCPT", "450 greylisted", Temporary),
        ("MAIL", "553 not you", Permanent),
        ("DATA", "451 later", Temporary),
        ("END", "554 spam", Permanent),
        ("END", "452 full", Temporary),
    ],
)
def test_an_answer_says_never_or_not_now(post: Post, verb: str, answer: str, error: type[Exception]) -> None:
    post.answers[verb] = answer
    with pytest.raises(error):
        SmtpMail(post.url).send(message())


def test_a_server_that_is_away_is_not_now(post: Post) -> None:
    with pytest.raises(Temporary):
        SmtpMail("smtp://127.0.0.1:1", timeout=2).send(message())


def test_tls_that_was_asked_for_is_never_left_out(post: Post) -> None:
    with pytest.raises((Temporary, Permanent)):
        SmtpMail(post.url + "?tls=1").send(message())
    assert post.letters == []


def test_an_address_is_read_whole() -> None:
    at = server("smtp://me%40x.example:p%2Fw@post.example?tls=1")
    assert (at.host, at.port, at.user, at.password, at.start_tls) == (
        "post.example", 587, "me@x.example", "p/w", True,
    )  # fmt: skip
    assert server("smtps://post.example").port == 465
    assert "p/w" not in repr(at)


@pytest.mark.parametrize("url", ["http://x", "smtp://", "smtp://me@host", "smtp://host:port", "post.example"])
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        server(url)
