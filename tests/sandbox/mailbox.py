"""The mailbox: an SMTP server that keeps every mail in the books, and the pages to read them."""

import email
import email.policy
import time
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Blueprint, Response, abort, render_template

from tests.sandbox.books import Books, Document
from tests.sandbox.names import paypal_id
from tests.sandbox.world import world

pages = Blueprint("mailbox", __name__, url_prefix="/mail")
LARGEST = 33_554_432  # bytes


class Keeper:
    """aiosmtpd's handler."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 its name
        content = envelope.original_content or b""
        id = f"m{paypal_id(10)}"
        self._books.put(
            "mail",
            id,
            {
                "id": id,
                "at": time.time(),
                "sender": envelope.mail_from,
                "recipients": envelope.rcpt_tos,
                "raw": content.decode("latin-1"),
            },
        )
        return "250 kept"


def mail_server(books: Books, port: int) -> Controller:
    """The SMTP server, to be started and stopped by the caller."""
    return Controller(Keeper(books), hostname="127.0.0.1", port=port, data_size_limit=LARGEST)


@pages.get("/")
def inbox() -> str:
    kept = world().books.latest("mail", 100)
    return render_template("mailbox.html", mails=[(mail, parsed(mail)) for mail in kept])


@pages.get("/<id>")
def read(id: str) -> str:
    mail = _found(id)
    message = parsed(mail)
    return render_template(
        "mail.html",
        mail=mail,
        message=message,
        text=_text(message, "plain"),
        html=_text(message, "html"),
        attachments=[(part.get_filename() or "sans-nom", part.get_content_type()) for part in _attachments(message)],
    )


@pages.get("/<id>/<int:number>")
def attachment(id: str, number: int) -> Response:
    parts = _attachments(parsed(_found(id)))
    if number >= len(parts):
        abort(404)
    part = parts[number]
    response = Response(part.get_payload(decode=True), mimetype=part.get_content_type())
    response.headers.set("Content-Disposition", "attachment", filename=part.get_filename() or "sans-nom")
    return response


def parsed(mail: Document) -> EmailMessage:
    return email.message_from_bytes(mail["raw"].encode("latin-1"), policy=email.policy.default)


def _found(id: str) -> Document:
    return world().books.get("mail", id) or abort(404)


def _attachments(message: EmailMessage) -> list[EmailMessage]:
    return list(message.iter_attachments())


def _text(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()) if part is not None else ""
