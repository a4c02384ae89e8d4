"""What a worker does at once. Each task only hurries a row that says it is due: the sweep finds what was not done."""

from django_tasks import task

from payments import capture as capturing
from payments import letters


@task()
def send_letter(letter: int) -> str:
    return "sent" if letters.send(letter) else "not due"


@task()
def capture(payment: str) -> str:
    return capturing.capture(payment)
