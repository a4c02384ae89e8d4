import re
import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import requests

from tests.sandbox.client import Sandbox
from tests.sandbox.process import Running

PDF = b"%PDF-1.7 \x00\xff"


def send(running: Running, recipient: str = "anne@example.ch") -> None:
    mail = EmailMessage()
    mail["Subject"] = "Votre commande est confirmée"
    mail["From"], mail["To"], mail["Message-ID"] = "bonjour@kookut.example", recipient, "<1@kookut>"
    mail.set_content("Merci, c’est payé.\n")
    mail.add_alternative("<p>Merci</p><script>alert(1)</script>", subtype="html")
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="attestation.pdf")
    with smtplib.SMTP("127.0.0.1", running.smtp_port) as smtp:
        smtp.send_message(mail)


def test_mails_are_kept_as_they_came(sandbox: Sandbox, running: Running) -> None:
    send(running)
    send(running, "bruno@example.ch")
    [mail] = sandbox.mails("anne@example.ch")
    assert mail["Subject"] == "Votre commande est confirmée"
    [attachment] = mail.iter_attachments()
    assert attachment.get_payload(decode=True) == PDF
    assert len(sandbox.mails()) == 2
    sandbox.forget_mails()
    assert sandbox.mails() == []


def test_mails_can_be_read_in_a_browser(sandbox: Sandbox, running: Running) -> None:
    send(running)
    inbox = requests.get(f"{sandbox.url}/mail/", timeout=10).text
    (day,) = re.findall(r"<td>(\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d)</td>", inbox)
    came = datetime.strptime(day, "%d.%m.%Y %H:%M:%S").replace(tzinfo=ZoneInfo("Europe/Zurich"))
    assert abs((datetime.now(UTC) - came).total_seconds()) < 60, "Swiss time, as the page says"
    assert "Heure suisse" in inbox
    address = sandbox.url + inbox.split('<td><a href="')[1].split('"')[0]
    page = requests.get(address, timeout=10).text
    assert "Merci, c’est payé." in page
    assert "<script>" not in page  # the HTML part is shown in a frame that runs nothing
    assert "<iframe" in page and "sandbox=" in page
    attachment = requests.get(f"{address}/0", timeout=10)
    assert (attachment.content, attachment.headers["Content-Type"]) == (PDF, "application/pdf")
    assert requests.get(f"{address}/1", timeout=10).status_code == 404
