"""By which ways does a digest leave the house? `configs/outputs.toml`: webhook and mail, both off unless switched on.

Nothing secret is in the file: addresses of servers, tokens and passwords come from the environment variables it names.
A token or password leaves over TLS only. Timeouts are those of one socket operation, and a slow server can stretch a mail or
an answer over any number of them; so a delivery with all its tries is given up after `outbox.LIMIT`, shorter than its claim.
Personal tokens are cut short in all that leaves (`casework.outside`).
"""

from __future__ import annotations

import hashlib
import os
import smtplib
import ssl
import threading
import time
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from riskengine import clock
from riskengine.casework.outbox import LIMIT, DeliveryError, Message
from riskengine.casework.outside import outside
from riskengine.errors import Problem, SetupError
from riskengine.schema import Definition, canonical_json, read_definition

Deliver = Callable[[Message, str], None]
FILE = "outputs.toml"


class Webhook(Definition):
    """An HTTP POST of the digest as JSON, with the header `Idempotency-Key`; `token_env`: `Authorization: Bearer`."""

    on: bool = False
    url_env: str = "RISKENGINE_WEBHOOK_URL"
    token_env: str = ""
    timeout: float = Field(default=10, gt=0, le=60)  # seconds
    tries: int = Field(default=3, ge=1, le=5)
    wait: float = Field(
        default=1, ge=0, le=30
    )  # seconds before the second try, doubled before each further one


class Mail(Definition):
    """A mail to each officer: text in Chinese and English, the deadlines as a calendar. `to`: officer or desk -> address,
    an officer known by a personal token under its short form, as in digest.json (`李*#012345`)."""

    on: bool = False
    host_env: str = "RISKENGINE_SMTP_HOST"
    port: int = Field(default=587, ge=1, le=65535)
    security: str = Field(default="starttls", pattern="^(starttls|tls|none)$")
    user_env: str = ""
    password_env: str = ""
    sender: str = ""
    to: dict[str, str] = Field(default_factory=dict)
    timeout: float = Field(default=20, gt=0, le=60)
    tries: int = Field(default=2, ge=1, le=5)
    wait: float = Field(default=2, ge=0, le=30)

    def address(self, officer: str) -> str | None:
        """Where an officer's mail goes; None without an address."""
        return {outside(name): address for name, address in self.to.items()}.get(outside(officer))


class Channels(Definition):
    """`configs/outputs.toml`; where it is missing nothing leaves the house."""

    webhook: Webhook = Webhook()
    mail: Mail = Mail()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The ways that are switched on."""
        return tuple(name for name in ("webhook", "mail") if getattr(self, name).on)

    def wants(self, kind: str, officer: str) -> bool:
        """Whether an officer's digest leaves by a way: mail needs an address."""
        return kind in self.kinds and (kind != "mail" or self.mail.address(officer) is not None)


def read_channels(configs: Path) -> Channels:
    """The ways of a project; every unknown key is listed in one `UsageError`."""
    path = configs / FILE
    return read_definition(Channels, path) if path.exists() else Channels()


def deliverers(channels: Channels, sleep: Callable[[float], None] = time.sleep) -> dict[str, Deliver]:
    """Way -> how a message is delivered; an environment variable that is missing is a `SetupError` naming all of them."""
    missing, made = [], {}
    for kind in channels.kinds:
        way: Any = getattr(channels, kind)
        names = [
            name
            for field in ("url_env", "token_env", "host_env", "user_env", "password_env")
            if (name := getattr(way, field, ""))
        ]
        missing += [(kind, name) for name in names if not os.environ.get(name)]
        made[kind] = _tried(
            by_webhook(way) if kind == "webhook" else by_mail(way), (way.tries, way.wait), sleep
        )
    problems = [
        Problem(f"{FILE}: {kind}", f"the environment variable {name}", "none") for kind, name in missing
    ]
    if channels.mail.on and not channels.mail.sender:
        problems.append(Problem(f"{FILE}: mail.sender", "an address", "none"))
    if channels.webhook.on and not missing:
        url = urlsplit(os.environ[channels.webhook.url_env])
        if url.scheme not in ("http", "https") or not url.netloc:
            problems.append(
                Problem(channels.webhook.url_env, "an http or https address", f"the scheme {url.scheme!r}")
            )
        elif url.scheme == "http" and channels.webhook.token_env:
            name, hint = channels.webhook.url_env, f"Use https, or take {FILE}: webhook.token_env away"
            problems.append(Problem(name, "https, since a token goes with it", "http: all can read it", hint))
    if channels.mail.on and channels.mail.security == "none" and channels.mail.user_env:
        hint = "Set security to starttls or tls, or take mail.user_env away"
        wanted = "starttls or tls, since a login goes with it"
        problems.append(Problem(f"{FILE}: mail.security", wanted, "none: all can read it", hint))
    if problems:
        raise SetupError("Nothing can be sent", problems)
    return made


def by_webhook(way: Webhook) -> Deliver:
    """POST the payload's `digest`; anything but 2xx is refused, a redirect is not followed (it would lose the body)."""
    opener = urllib.request.build_opener(_NoRedirect)

    def deliver(message: Message, key: str) -> None:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": hashlib.sha256(key.encode()).hexdigest(),
        }
        if way.token_env:
            headers["Authorization"] = f"Bearer {os.environ[way.token_env]}"
        body = outside(canonical_json({"key": key, **message.payload["digest"]})).encode()
        request = urllib.request.Request(os.environ[way.url_env], body, headers, method="POST")
        try:
            with opener.open(request, timeout=way.timeout):
                return
        except urllib.error.HTTPError as error:
            error.close()
            lasting = 300 <= error.code < 500 and error.code not in (408, 425, 429)
            raise DeliveryError(f"HTTP {error.code} {error.reason}", lasting) from None
        except (urllib.error.URLError, HTTPException, OSError) as error:
            raise DeliveryError(f"{type(error).__name__}: {getattr(error, 'reason', error)}") from None

    return deliver


def by_mail(way: Mail) -> Deliver:
    """Send the payload's text and calendar to the officer's address."""

    def deliver(message: Message, key: str) -> None:
        address = way.address(message.officer)
        if address is None:
            raise DeliveryError(f"no address of {outside(message.officer)} in {FILE}: mail.to", lasting=True)
        try:
            with _connected(way) as server:
                server.send_message(mail(message.payload, (way.sender, address), key))
        except (smtplib.SMTPException, OSError) as error:
            code = getattr(error, "smtp_code", 0)
            lasting = 500 <= code < 600 or isinstance(error, smtplib.SMTPRecipientsRefused)
            raise DeliveryError(f"{type(error).__name__}: {error}", lasting) from None

    return deliver


def mail(payload: Mapping[str, Any], parties: tuple[str, str], key: str) -> EmailMessage:
    """A mail from (sender, address): text in both languages and, where there are dates, `deadlines.ics`.

    The same message has the same `Message-ID`, by which servers and readers drop a repetition.
    """
    made = EmailMessage()
    made["From"], made["To"] = parties
    made["Subject"] = outside(" ".join(str(payload["subject"]).split()))
    made["Date"] = format_datetime(clock.now(), usegmt=True)
    made["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@riskengine.invalid>"
    made["X-Idempotency-Key"] = hashlib.sha256(key.encode()).hexdigest()
    made.set_content(outside(str(payload["text"])))
    calendar = b64decode(payload["calendar"])
    if calendar:
        made.add_attachment(
            calendar,
            maintype="text",
            subtype="calendar",
            filename="deadlines.ics",
            params={"method": "PUBLISH", "charset": "utf-8"},
        )
    return made


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _connected(way: Mail) -> smtplib.SMTP:
    host, context = os.environ[way.host_env], ssl.create_default_context()
    if way.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, way.port, timeout=way.timeout, context=context)
    else:
        server = smtplib.SMTP(host, way.port, timeout=way.timeout)
    try:
        if way.security == "starttls":
            server.starttls(context=context)
        if way.user_env:
            server.login(os.environ[way.user_env], os.environ[way.password_env] if way.password_env else "")
    except BaseException:
        server.close()
        raise
    return server


def _tried(deliver: Deliver, how: tuple[int, float], sleep: Callable[[float], None]) -> Deliver:
    """The same, tried several times with a doubled wait between where trying again may help, all of it within LIMIT."""
    tries, wait = how

    def deliver_again(message: Message, key: str) -> None:
        ends = time.monotonic() + LIMIT.total_seconds()
        for number in range(tries):
            try:
                return _within(ends - time.monotonic(), lambda: deliver(message, key))
            except DeliveryError as error:
                pause = wait * 2**number
                if error.lasting or number + 1 == tries or time.monotonic() + pause >= ends:
                    raise
                sleep(pause)
        return None

    return deliver_again


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Do it, or give up waiting for it: what still goes on then ends with the process, and is delivered again later."""
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            work()
            ended.append(None)
        except BaseException as error:  # noqa: BLE001 - raised again below, by who waits
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise DeliveryError(f"not accepted within {seconds:.0f} seconds", lasting=True)
    if ended[0] is not None:
        raise ended[0]
