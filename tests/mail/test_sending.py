"""Mails on their way: handed over encrypted and signed in, refused for now or for ever, and what stands in their headers."""

import logging
import ssl
from email.message import EmailMessage

import aiosmtplib
import msgspec
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from liveserver.infra.database import Pool, transaction
from liveserver.jobs.look import dead_jobs
from liveserver.jobs.worker import Hopeless, Worker
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.mail import sending
from liveserver.mail.model import AccountMail, Mail, OrderMail
from liveserver.mail.outbox import send
from liveserver.mail.post import Post, Printed, Smtp, smtp_address
from liveserver.mail.sending import Mailer, sender_of

ORIGIN = "https://live.example"
RECEIPT = OrderMail(
    template="receipt",
    to="ana@example.com",
    name="Ana",
    number=100_001,
    title="Halden 35",
    amount=1_250,
    currency="USD",
    path="/orders/ord_1",
)


class Kept:
    """Takes messages and keeps them."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def hand_over(self, message: EmailMessage) -> None:
        self.messages.append(message)


def mailer(post: Post, sender: str = "Live Shop <shop@live.example>") -> Mailer:
    return Mailer(post, VirtualClock(), origin=ORIGIN, sender=sender)


async def message_of(mail: Mail) -> EmailMessage:
    kept = Kept()
    await mailer(kept).deliver(mail, "mail_1")
    return kept.messages[0]


async def test_a_mail_says_who_to_whom_and_that_a_machine_wrote_it():
    message = await message_of(RECEIPT)
    assert dict(message.items()) | {"Content-Type": "", "MIME-Version": ""} == {
        "From": "Live Shop <shop@live.example>",
        "To": "ana@example.com",
        "Subject": "Receipt for order #100001",
        "Date": "Tue, 14 Nov 2023 22:13:20 -0000",
        "Message-ID": "<mail_1@live.example>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "",
        "Content-Type": "",
    }
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("scheme", "server"),
    [("smtps", {"tls": True}), ("smtp+starttls", {"starttls": True})],
)
async def test_with_tls_and_a_password(serve, certificate, scheme: str, server: dict[str, bool]):
    provider = await serve(auth=True, **server)
    address = smtp_address(f"{scheme}://shop:p%40ss%20word@localhost:{provider.port}")
    await mailer(Smtp(address, certificate[1])).deliver(RECEIPT, "mail_1")
    (mail,) = provider.mails
    assert mail["Message-ID"] == "<mail_1@live.example>"
    assert (provider.encrypted, provider.signed_in) == ([True], ["shop"])


@pytest.mark.parametrize(
    ("scheme", "server"), [("smtps", {"tls": True}), ("smtp+starttls", {"starttls": True})]
)
async def test_a_server_that_proves_nothing_gets_nothing(serve, scheme: str, server: dict[str, bool]):
    provider = await serve(**server)
    post = Smtp(smtp_address(f"{scheme}://localhost:{provider.port}"), ssl.create_default_context())
    with pytest.raises((aiosmtplib.SMTPException, ssl.SSLError)):
        await mailer(post).deliver(RECEIPT, "mail_1")
    assert provider.mails == []


async def test_starttls_that_is_not_offered_is_waited_for(serve):
    provider = await serve()
    with pytest.raises(aiosmtplib.SMTPException):
        await mailer(Smtp(smtp_address(f"smtp+starttls://localhost:{provider.port}"))).deliver(RECEIPT, "m")
    assert provider.mails == []


@pytest.mark.parametrize("starttls", [False, True])
async def test_a_plain_relay_takes_mails_and_is_encrypted_when_it_can_be(serve, starttls: bool):
    provider = await serve(starttls=starttls)
    await mailer(Smtp(smtp_address(f"smtp://localhost:{provider.port}"))).deliver(RECEIPT, "mail_1")
    assert provider.encrypted == [starttls]


@pytest.mark.parametrize(
    ("at", "answer", "hopeless"),
    [
        ("rcpt", "550 no such user", True),
        ("rcpt", "450 greylisted", False),
        ("data", "554 this is spam", True),
        ("data", "451 try later", False),
    ],
)
async def test_refused_for_now_or_for_ever(serve, at: str, answer: str, hopeless: bool):
    provider = await serve()
    provider.refuses[at] = answer
    with pytest.raises(Hopeless if hopeless else aiosmtplib.SMTPException) as refused:
        await mailer(Smtp(smtp_address(f"smtp://localhost:{provider.port}"))).deliver(RECEIPT, "mail_1")
    if hopeless:
        assert answer in str(refused.value)
        assert "ana@example.com" not in str(refused.value)


async def test_a_wrong_password_is_the_operator_s_to_mend_and_costs_no_mail(serve, certificate):
    provider = await serve(tls=True, auth=True)
    post = Smtp(smtp_address(f"smtps://shop:wrong@localhost:{provider.port}"), certificate[1])
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await mailer(post).deliver(RECEIPT, "mail_1")


async def test_a_server_that_is_away():
    address = smtp_address("smtp://127.0.0.1:1")
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await mailer(Smtp(address)).deliver(RECEIPT, "mail_1")


@pytest.mark.parametrize(
    ("url", "host", "port", "encryption"),
    [
        ("smtps://mail.example", "mail.example", 465, "tls"),
        ("smtp+starttls://mail.example", "mail.example", 587, "starttls"),
        ("smtp://mail.example", "mail.example", 25, "offered"),
        ("smtp://shop:secret@mail.example", "mail.example", 587, "starttls"),
        ("smtp://shop:secret@mail.example:2525", "mail.example", 2525, "starttls"),
        ("smtp://shop:secret@localhost", "localhost", 25, "offered"),
    ],
)
def test_passwords_are_never_sent_in_clear(url: str, host: str, port: int, encryption: str):
    address = smtp_address(url)
    assert (address.host, address.port, address.encryption) == (host, port, encryption)
    assert "secret" not in repr(address)


@pytest.mark.parametrize("url", ["https://mail.example", "smtps://", "mail.example", "smtp:mail"])
def test_other_addresses_are_refused(url: str):
    with pytest.raises(ValueError, match="must be smtps"):
        smtp_address(url)


@pytest.mark.parametrize("text", ["nobody", "", "a@b.example\nBcc: x@y.example", "a@b, c@d"])
def test_a_sender_is_an_address(text: str):
    with pytest.raises(ValueError, match="must be an e-mail address"):
        sender_of(text)


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b.example\r\nBcc: x@y.example", "a@b.example, c@d.example", "<a@b.example>"]
)
async def test_what_is_no_address_is_never_tried(to: str):
    with pytest.raises(Hopeless):
        await message_of(AccountMail(template="reset", to=to, name="Ana", path="/reset/x"))


async def test_a_domain_in_another_script_is_written_as_servers_know_it():
    message = await message_of(
        AccountMail(template="verify", to="ana@bücher.example", name="Ana", path="/verify/x")
    )
    assert message["To"] == "ana@xn--bcher-kva.example"


words = st.text(max_size=700)


@settings(max_examples=150, deadline=None)
@given(words, words, words)
async def test_nobody_s_words_make_headers_lines_or_markup(name: str, title: str, note: str):
    mail = OrderMail(
        template="won",
        to="ana@example.com",
        name=name,
        number=1,
        title=title,
        amount=5,
        currency="JPY",
        path="/orders/x",
        note=note + "<script>alert(1)</script>",
    )
    message = await message_of(mail)
    raw = message.as_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.split(b":")[0] for line in raw if not line.startswith((b" ", b"\t"))]
    assert names == [
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version", b"Content-Type",
    ]  # fmt: skip
    assert len(str(message["Subject"])) <= 150
    html = message.get_body(("html",))
    assert html is not None
    assert "<script" not in html.get_content()
    assert len(message.as_bytes()) < sending.MESSAGE_BYTES_MAX


async def test_without_a_server_mails_are_printed_with_their_links():
    with structlog.testing.capture_logs() as lines:
        await mailer(Printed()).deliver(
            AccountMail(template="welcome", to="ana@example.com", name="Ana", path="/verify/abc"), "mail_1"
        )
    (printed,) = [line for line in lines if line["event"] == "mail_printed"]
    assert printed["to"] == "ana@example.com"
    assert f"{ORIGIN}/verify/abc" in printed["text"]


async def test_what_is_sent_in_a_transaction_is_sent_once_it_is_committed(
    pool: Pool, serve, caplog: pytest.LogCaptureFixture
):
    provider = await serve()
    post = Smtp(smtp_address(f"smtp://localhost:{provider.port}"))
    worker = Worker(pool, sending.works(mailer(post)))
    async with transaction(pool) as on:
        await send(on, RECEIPT)
        await send(on, msgspec.structs.replace(RECEIPT, to=""))
        assert await worker.drain() == 0
    with caplog.at_level(logging.INFO):
        assert await worker.drain() == 1, "and nobody is written to without an address"
    assert [mail["To"] for mail in provider.mails] == ["ana@example.com"]
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # the provider's
    assert "ana@example.com" not in str(ours), "addresses are not for logs"


async def test_a_mail_is_the_same_message_whenever_it_is_tried(pool: Pool, serve):
    provider = await serve()
    worker = Worker(pool, sending.works(mailer(Smtp(smtp_address(f"smtp://localhost:{provider.port}")))))
    async with transaction(pool) as on:
        await send(on, RECEIPT)
    before = await pool.fetchval("SELECT payload FROM pgqueuer")
    provider.refuses["data"] = "451 try later"
    assert await worker.drain() == 1
    provider.refuses.clear()
    assert await worker.drain(ahead_ms=2_000) == 1
    (mail,) = provider.mails
    assert str(mail["Message-ID"]).strip("<>").split("@")[0].encode() in before


async def test_a_mail_to_nobody_known_is_dead_with_what_the_server_said(pool: Pool, serve):
    provider = await serve()
    provider.refuses["rcpt"] = "550 no such user here"
    async with transaction(pool) as on:
        await send(on, RECEIPT)
    worker = Worker(pool, sending.works(mailer(Smtp(smtp_address(f"smtp://localhost:{provider.port}")))))
    await worker.drain()
    page = await dead_jobs(pool)
    assert not isinstance(page, Rejected)
    assert page.items[0].error == "Hopeless: the address was refused: 550 no such user here"
