"""The outbox: queued once, delivered at least once under one key, over real HTTP and SMTP, off unless switched on."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from riskengine.casework import channels as ways
from riskengine.casework.channels import Channels, Mail, by_webhook, deliverers, mail, read_channels
from riskengine.casework.outbox import (
    CLAIM,
    LIMIT,
    DeliveryError,
    Message,
    enqueue,
    listed,
    open_messages,
    send,
)
from riskengine.errors import SetupError, UsageError
from riskengine.store.ledger import open_ledger

DAY = date(2025, 6, 3)
NOW = datetime(2025, 6, 3, 22, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
HASH = "0123456789abcdef"


def message(who: str = "li", kind: str = "webhook", text: str = "a", day: date = DAY) -> Message:
    letter = {
        "subject": "今日\n清单",
        "text": f"{text} 请办理\nplease do",
        "calendar": "QkVHSU46VkNBTEVOREFSDQpFTkQ6VkNBTEVOREFSDQo=",
    }
    return Message(kind, who, day, {"digest": {"officer": who, "text": text}, **letter})


@pytest.fixture
def ledger(tmp_path: Path) -> Engine:
    return open_ledger(tmp_path)


def state(ledger: Engine) -> list[tuple[str, str, int]]:
    return [(row["officer"], row["state"], row["attempts"]) for row in listed(ledger)]


def test_the_same_digest_is_queued_once_and_another_text_of_it_takes_its_place(ledger: Engine) -> None:
    assert listed(ledger) == []
    assert enqueue(ledger, [message(), message("wang")], NOW) == [message().key, message("wang").key]
    assert enqueue(ledger, [message(), message("wang")], NOW) == []
    enqueue(ledger, [message(text="b")], NOW)
    assert sorted(state(ledger)) == [("li", "queued", 0), ("li", "superseded", 0), ("wang", "queued", 0)]
    assert enqueue(ledger, [message()], NOW) == [message().key], (
        "a night that came back to the text of before"
    )
    assert [row["key"] for row in listed(ledger, "queued")] == [message().key, message("wang").key]
    said = []
    send(ledger, message().key, lambda one, key: said.append((one, key)), lambda: NOW)
    assert said == [(message(), message().key)]
    assert enqueue(ledger, [message()], NOW) == [], "what is out is never queued again"


def test_a_night_that_is_over_is_not_sent(ledger: Engine, caplog: pytest.LogCaptureFixture) -> None:
    days = [DAY - timedelta(days) for days in (1, 0, 2)]
    first, second, before = (message(day=day) for day in days)
    assert enqueue(ledger, [first], NOW) == [first.key]
    assert enqueue(ledger, [second, message(kind="mail", day=days[0])], NOW)[0] == second.key
    assert [(row["key"], row["state"]) for row in listed(ledger) if row["kind"] == "webhook"] == [
        (first.key, "superseded"), (second.key, "queued")]  # fmt: skip
    assert enqueue(ledger, [before, first], NOW) == [], (
        "an older night of the same officer and way, published again"
    )
    with caplog.at_level("INFO", "riskengine.outbox"):
        assert enqueue(ledger, [message("wang", day=days[0])], NOW, latest=DAY) == []
        assert enqueue(ledger, [message("wang")], NOW + timedelta(days=4), latest=DAY) == [], (
            "ten years of backfill"
        )
    assert "2025-06-02 are not sent" in caplog.text
    assert enqueue(ledger, [message("wang")], NOW + timedelta(days=3), latest=DAY) == [message("wang").key]
    assert enqueue(ledger, [message("zhao")], NOW - timedelta(days=1), latest=DAY), (
        "a night dated ahead of UTC"
    )


def test_a_killed_sender_loses_nothing_and_two_senders_do_not_meet(ledger: Engine) -> None:
    enqueue(ledger, [message()], NOW)
    key, delivered = message().key, []

    def killed(_: Message, key: str) -> None:
        delivered.append(key)
        assert send(ledger, key, killed, lambda: NOW) is None, "another sender finds it claimed"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(ledger, key, killed, lambda: NOW)
    assert state(ledger) == [("li", "queued", 0)]
    assert open_messages(ledger, NOW, ["webhook"]) == []
    later = NOW + CLAIM
    assert open_messages(ledger, later, ["webhook"]) == [key], "the claim runs out"
    ended = send(ledger, key, lambda _, key: delivered.append(key), lambda: later)
    assert ended is not None
    assert not ended.error
    assert delivered == [key, key], "at least once, under one key"
    assert state(ledger) == [("li", "sent", 1)]
    assert send(ledger, key, lambda *_: delivered.append("again"), lambda: later + CLAIM) is None
    assert len(delivered) == 2


def test_what_failed_waits_longer_each_time_and_stays(ledger: Engine) -> None:
    enqueue(ledger, [message()], NOW)

    def refused(*_: Any) -> None:
        raise DeliveryError("HTTP 503")

    at = NOW
    for wait in (1, 2, 4, 8):
        assert open_messages(ledger, at, ["webhook"]) == [message().key]
        assert send(ledger, message().key, refused, lambda: at).error == "HTTP 503"  # type: ignore[union-attr]  # noqa: B023
        assert open_messages(ledger, at + timedelta(minutes=wait, seconds=-1), ["webhook"]) == []
        assert open_messages(ledger, at, ["webhook"], again=True) == [message().key]
        at += timedelta(minutes=wait)
    assert state(ledger) == [("li", "failed", 4)]
    assert open_messages(ledger, at, ["mail"]) == []


class Web(BaseHTTPRequestHandler):
    """Answers with the codes of `plan` in turn, then 200, and remembers what came."""

    plan: list[int]
    seen: list[tuple[str, dict[str, Any], str | None]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.headers["Idempotency-Key"], json.loads(body), self.headers["Authorization"]))
        self.send_response(self.plan.pop(0) if self.plan else 200)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_webhook_gets_one_key_is_tried_again_and_never_redirected(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = type("Web", (Web,), {"plan": [], "seen": []})
    channels = Channels.model_validate({"webhook": {"on": True, "token_env": "HOOK_TOKEN", "tries": 3}})
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with served(ThreadingHTTPServer(("127.0.0.1", 0), web)) as port:
        monkeypatch.setenv("RISKENGINE_WEBHOOK_URL", f"http://127.0.0.1:{port}/hook")
        with pytest.raises(SetupError, match="environment variable HOOK_TOKEN"):
            deliverers(channels)
        monkeypatch.setenv("HOOK_TOKEN", "secret")
        with pytest.raises(SetupError, match="https, since a token goes with it"):
            deliverers(channels)
        by_webhook(channels.webhook)(message(f"李*#{HASH}"), f"webhook|李*#{HASH}|day")
        assert web.seen[-1][1:] == (
            {"key": "webhook|李*#012345|day", "officer": "李*#012345", "text": "a"}, "Bearer secret")  # fmt: skip
        web.seen.clear()
        web.plan[:] = [503, 429]
        waits: list[float] = []
        plain_ = channels.model_copy(
            update={"webhook": channels.webhook.model_copy(update={"token_env": ""})}
        )
        post = deliverers(plain_, waits.append)["webhook"]
        enqueue(ledger, [message(), message("wang"), message("zhao")], NOW)
        assert not send(ledger, message().key, post, lambda: NOW).error  # type: ignore[union-attr]
        assert waits == [1, 2]
        assert len({key for key, _, _ in web.seen}) == 1
        assert web.seen[0][1] == {"key": message().key, "officer": "li", "text": "a"}
        assert web.seen[0][2] is None
        web.plan[:] = [302]
        moved = send(ledger, message("wang").key, post, lambda: NOW)
        assert moved is not None
        assert "HTTP 302" in moved.error
        assert len(web.seen) == 4, "not followed and not tried again at once"
        web.plan[:] = [500, 500, 500]
        assert "HTTP 500" in send(ledger, message("zhao").key, post, lambda: NOW).error  # type: ignore[union-attr]
    gone = send(ledger, message("zhao").key, post, lambda: NOW)
    assert gone is not None
    assert "refused" in gone.error
    assert state(ledger) == [("li", "sent", 1), ("wang", "failed", 1), ("zhao", "failed", 2)]
    assert "secret" not in json.dumps(listed(ledger), default=str)


class Post(socketserver.StreamRequestHandler):
    """A very small SMTP server: refuses the first `busy` messages for now, and the address `nobody` for good."""

    def handle(self) -> None:
        server: Any = self.server
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "EHLO":
                self._say("250-test\r\n250 8BITMIME")
            elif verb == "RCPT" and "nobody" in line:
                self._say("550 unknown")
            elif verb == "DATA":
                self._say("354 go on")
                lines = []
                while (text := self.rfile.readline()) != b".\r\n":
                    lines.append(text.removeprefix(b".") if text.startswith(b"..") else text)
                busy = server.busy > 0
                server.busy -= busy
                if not busy:
                    server.mails.append(b"".join(lines))
                self._say("451 later" if busy else "250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def test_a_mail_speaks_both_languages_carries_the_dates_and_is_tried_again(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = {"li": "li@example.org", "wang": "nobody@example.org"}
    channels = Channels.model_validate(
        {"mail": {"on": True, "sender": "risk@example.org", "security": "none", "to": addresses}}
    )
    assert channels.wants("mail", "li")
    assert not channels.wants("mail", "zhao")
    assert not channels.wants("webhook", "li")
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Post)
    server.daemon_threads, server.busy, server.mails = True, 1, []
    with served(server) as port:
        monkeypatch.setenv("RISKENGINE_SMTP_HOST", "127.0.0.1")
        here = channels.model_copy(update={"mail": channels.mail.model_copy(update={"port": port})})
        waits: list[float] = []
        post = deliverers(here, waits.append)["mail"]
        enqueue(ledger, [message(kind="mail"), message("wang", "mail")], NOW)
        assert not send(ledger, message(kind="mail").key, post, lambda: NOW).error  # type: ignore[union-attr]
        assert waits == [2]
        assert "unknown" in send(ledger, message("wang", "mail").key, post, lambda: NOW).error  # type: ignore[union-attr]
        assert waits == [2], "an unknown address is not tried again at once"
    (raw,) = server.mails
    got = email.message_from_bytes(raw, policy=email.policy.default)
    assert (got["Subject"], got["To"]) == ("今日 清单", "li@example.org")
    assert got["Message-ID"].endswith("@riskengine.invalid>")
    body = got.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == ["a 请办理", "please do"]
    (calendar,) = got.iter_attachments()
    assert calendar.get_content_type() == "text/calendar"
    assert "BEGIN:VCALENDAR" in calendar.get_content()


def test_a_delivery_ends_before_its_claim_however_slow_the_other_side_is(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LIMIT < CLAIM
    monkeypatch.setattr(ways, "LIMIT", timedelta(seconds=0.8))
    never, tried, waits = threading.Event(), [], []

    def slow(*_: Any) -> None:
        tried.append("slow")
        never.wait(20)

    def busy(*_: Any) -> None:
        tried.append("busy")
        raise DeliveryError("HTTP 503")

    enqueue(ledger, [message()], NOW)
    for deliver, said in ((slow, "not accepted within 1 seconds"), (busy, "HTTP 503")):
        post = ways._tried(deliver, (3, 0.4), waits.append)
        ended = send(ledger, message().key, post, lambda: NOW)
        assert ended is not None
        assert ended.error == said
    never.set()
    assert tried == ["slow", "busy", "busy"], "no try is begun that cannot end in time"
    assert waits == [0.4]


def test_a_mail_says_no_whole_token_and_its_login_needs_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Mail.model_validate({"on": True, "sender": "a@b.c", "security": "none", "user_env": "USER_", "to": {f"李*#{HASH}": "li@b.c"}})  # fmt: skip
    assert way.address("李*#012345") == way.address(f"李*#{HASH}") == "li@b.c"
    assert way.address("李*#012346") is None
    monkeypatch.setenv("RISKENGINE_SMTP_HOST", "h")
    monkeypatch.setenv("USER_", "u")
    with pytest.raises(SetupError, match="starttls or tls, since a login goes with it"):
        deliverers(Channels(mail=way))
    assert deliverers(Channels(mail=way.model_copy(update={"user_env": ""})))
    payload = {"subject": f"李*#{HASH}", "text": f"2 张**#{HASH}, 1.", "calendar": ""}
    monkeypatch.setattr(ways.clock, "now", lambda: NOW)
    sent = mail(payload, ("a@b.c", "li@b.c"), f"mail|李*#{HASH}|day")
    assert HASH not in str(sent) + sent.get_content()
    assert sent.get_content() == "2 张**#012345, 1.\n"
    assert sent["Date"] == "Tue, 03 Jun 2025 22:00:00 +0000"


def test_nothing_leaves_unless_switched_on_and_a_wrong_key_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_channels(tmp_path).kinds == ()
    assert read_channels(ROOT / "configs").kinds == ()
    assert deliverers(Channels()) == {}
    monkeypatch.setenv("RISKENGINE_WEBHOOK_URL", "file:///etc/passwd")
    with pytest.raises(SetupError, match="an http or https address"):
        deliverers(Channels.model_validate({"webhook": {"on": True}}))
    monkeypatch.delenv("RISKENGINE_WEBHOOK_URL")
    with pytest.raises(SetupError) as refused:
        deliverers(Channels.model_validate({"webhook": {"on": True}, "mail": {"on": True}}))
    assert len(refused.value.problems) == 3, "both variables and the sender at once"
    (tmp_path / "outputs.toml").write_text("[webhook]\nurl = 'https://secret'\n")
    with pytest.raises(UsageError, match="a known key"):
        read_channels(tmp_path)
