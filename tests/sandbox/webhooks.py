"""Webhooks on their way to the shop: signed, sent from background threads, tried again with growing waits."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import requests

from tests.sandbox.books import Books, Document
from tests.sandbox.manner import Manner
from tests.sandbox.names import paypal_id
from tests.sandbox.settings import Dashboard

Signer = Callable[[bytes], dict[str, str]]
LEASE = 30.0  # seconds after which a delivery that was under way when we were killed is sent again
SPACING = 0.02  # seconds between the messages of one payment: their usual order, but they may overtake
WIDE_SPACING = 0.1  # seconds, where the order matters
SOON = 0.5  # seconds: what is due by then counts as due when somebody waits for all of it
THREADS = 12
TIMEOUT = (3, 20)  # seconds to connect, to answer
ADDRESSES = {"stripe": "/webhooks/stripe/", "paypal": "/webhooks/paypal/"}


class Courier:
    """Takes events, and delivers them until the shop says 2xx."""

    def __init__(self, books: Books, dashboard: Dashboard, signers: Mapping[str, Signer]) -> None:
        self._books = books
        self._dashboard = dashboard
        self._signers = signers
        self._attempts = threading.Condition()
        self._under_way: list[str] = []
        self._stopping = False
        self._bell = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="courier")
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._books.make_due("delivery", time.time())
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._bell.set()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def post(self, psp: str, events: list[Document], manner: Manner) -> None:
        """Write the deliveries of these events down, in one turn with whatever caused them."""
        backwards = manner.fault == "reversed"
        for number, event in enumerate(reversed(events) if backwards else events):
            for _ in range(2 if manner.fault == "twice" else 1):
                self._write(psp, event, manner, number, WIDE_SPACING if backwards else SPACING)
        self._bell.set()

    def resend(self, psp: str, event: Document) -> None:
        """Send an event once more, as it is in the books, as a dashboard does."""
        self.post(psp, [event], Manner())

    def flush(self, *, early: bool = False, seconds: float = 30.0) -> bool:
        """Wait until nothing that is due is left to send. `early`: the late ones and the retries are due now."""
        if early:
            with self._books.turn():
                self._books.make_due("delivery", time.time(), but=self._under_way)
        self._bell.set()
        until = time.monotonic() + seconds
        # First the books, then what is under way: a claim changes both while it holds the books.
        while self._books.due("delivery", time.time() + SOON) or self._under_way:
            if time.monotonic() > until:
                return False
            with self._attempts:
                self._attempts.wait(SPACING)
        return True

    def collect(self) -> list[Document]:
        """Take every delivery that is held or waits, signed now: the caller posts them instead of us."""
        with self._books.turn():
            taken = [d for d in self._books.all("delivery") if d["state"] in ("held", "waiting")]
            for delivery in taken:
                self._keep(delivery | {"state": "collected"}, due=None)
        return [{**delivery, "headers": self._headers(delivery)} for delivery in taken]

    def sign(self, psp: str, body: bytes) -> dict[str, str]:
        return self._signers[psp](body)

    def send(self, psp: str, body: bytes, headers: Mapping[str, str]) -> tuple[int | None, str]:
        """One attempt: the shop's status, or None and what went wrong."""
        url = self._dashboard.read().shop_url + ADDRESSES[psp]
        try:
            answer = requests.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            return None, type(error).__name__
        return answer.status_code, ""

    def _write(self, psp: str, event: Document, manner: Manner, number: int, spacing: float) -> None:
        settings = self._dashboard.read()
        state = "lost" if manner.loses(number) else "held" if settings.hold_webhooks else "waiting"
        told = falsified(event) if manner.fault == "event_amount" else event
        delivery = {
            "id": f"d{paypal_id(10)}",
            "psp": psp,
            "event": event["id"],
            "type": event.get("type") or event.get("event_type"),
            "state": state,
            "signed": manner.fault != "unsigned",
            "created": time.time(),
            "body": json.dumps(told),
            "tries": [],
        }
        wait = number * spacing + (manner.seconds if manner.fault == "late" else 0.0)
        self._keep(delivery, due=time.time() + wait if state == "waiting" else None)

    def _keep(self, delivery: Document, *, due: float | None) -> None:
        self._books.put("delivery", delivery["id"], delivery, due=due)

    def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            for delivery in self._claim():
                self._pool.submit(self._deliver, delivery)
            next_due = self._books.next_due("delivery")
            self._bell.wait(1.0 if next_due is None else min(1.0, max(0.0, next_due - time.time())))

    def _claim(self) -> list[Document]:
        with self._books.turn():
            claimed = self._books.due("delivery")
            for delivery in claimed:
                self._keep(delivery, due=time.time() + LEASE)
            with self._attempts:
                self._under_way += [delivery["id"] for delivery in claimed]
        return claimed

    def _deliver(self, delivery: Document) -> None:
        try:
            status, error = self.send(delivery["psp"], delivery["body"].encode(), self._headers(delivery))
            self._note(delivery["id"], {"at": time.time(), "status": status, "error": error})
        finally:
            with self._attempts:
                self._under_way.remove(delivery["id"])
                self._attempts.notify_all()
            self._bell.set()  # the next try may be due sooner than the courier sleeps

    def _note(self, id: str, attempt: Document) -> None:
        settings = self._dashboard.read()
        with self._books.turn():
            delivery = self._books.get("delivery", id)
            if delivery is None or delivery["state"] != "waiting":  # a reset or a collect came in between
                return
            delivery["tries"].append(attempt)
            tries = len(delivery["tries"])
            if attempt["status"] is not None and 200 <= attempt["status"] < 300:
                self._keep(delivery | {"state": "delivered"}, due=None)
            elif tries >= settings.max_tries or not delivery["signed"]:
                self._keep(delivery | {"state": "given up"}, due=None)
            else:
                wait = min(settings.retry_base_seconds * 2 ** (tries - 1), settings.retry_cap_seconds)
                self._keep(delivery, due=time.time() + wait)

    def _headers(self, delivery: Document) -> dict[str, str]:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": AGENTS[delivery["psp"]]}
        if delivery["signed"]:
            headers |= self.sign(delivery["psp"], delivery["body"].encode())
        return headers


AGENTS = {
    "stripe": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "paypal": "PayPal/AUHD-214.0-58808105",
}
STRIPE_AMOUNTS = ("amount", "amount_total", "amount_subtotal", "amount_received", "amount_captured")


def falsified(event: Document) -> Document:
    """The same event, telling 1.00 more than the books."""
    told = deepcopy(event)
    thing = told["data"]["object"] if "data" in told else told["resource"]
    for name in STRIPE_AMOUNTS:
        if isinstance(thing.get(name), int):
            thing[name] += 100
    for part in [thing, *thing.get("purchase_units", [])]:
        if isinstance(part.get("amount"), dict):
            whole, cents = part["amount"]["value"].split(".")
            part["amount"]["value"] = f"{int(whole) + 1}.{cents}"
    return told
