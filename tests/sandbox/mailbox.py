"""The mailbox: an SMTP server that keeps every mail in the books."""

import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.sandbox.books import Books
from tests.sandbox.names import paypal_id

LARGEST = 33_554_432  # bytes


class Keeper:
    """aiosmtpd's handler."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
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
