"""What goes wrong while customers are in the shop: parts are killed, PSPs do not answer or answer badly."""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import requests

from tests.sandbox.faults import KINDS, Kind
from tests.soak.stage import DATABASE, Stage

PARTS = {"web": 3, "worker": 3, "sandbox": 2, DATABASE: 2, "sweep": 1}
"""What is killed, and how often each."""
LONGEST_DOWN = 3.0  # seconds
PATHS = {
    "/stripe/v1/*": 3,
    "/stripe/v1/checkout/sessions": 3,
    "/stripe/v1/checkout/sessions/*": 2,
    "/stripe/v1/refunds": 2,
    "/stripe/v1/events": 1,
    "/paypal/v[12]/*": 3,
    "/paypal/v2/checkout/orders": 3,
    "/paypal/v2/*/capture": 4,
    "/paypal/v2/*/refund": 2,
    "/paypal/v1/notifications/webhooks-events": 1,
}
REFUNDS = {"succeeded": 12, "pending": 3, "failed": 1, "refused": 1}
OFFERED = {"card twint": 8, "card": 1, "twint": 1}  # what Stripe's dashboard enables
MESSAGES_OF_REFUNDS = {"none": 6, "lost": 1, "gaps": 1, "twice": 1, "late": 1, "reversed": 1}


@dataclass
class Accidents:
    """Draws the next accident from the seed, and when it is due."""

    stage: Stage
    random: Random
    seconds_between_kills: float
    seconds_between_faults: float
    faults: Counter[str] = field(default_factory=Counter)
    _next_kill: float = 0.0
    _next_fault: float = 0.0

    def begin(self) -> None:
        """A new wave: the first accidents are not due at once, and the dashboards say other things."""
        self._next_kill = self._after(self.seconds_between_kills)
        self._next_fault = self._after(self.seconds_between_faults)
        refunds, messages, offered = self._any(REFUNDS), self._any(MESSAGES_OF_REFUNDS), self._any(OFFERED)
        with suppress(requests.RequestException):
            self.stage.psps.change(
                refunds=refunds,
                refund_webhook=messages,
                refund_seconds=self.random.randint(2, 20),
                stripe_methods=offered.split(),
            )
            self.faults.update([f"refunds: {refunds}", f"messages of refunds: {messages}", f"Stripe offers {offered}"])

    def happen(self) -> None:
        """Whatever is due by now."""
        if time.monotonic() > self._next_kill:
            self._next_kill = self._after(self.seconds_between_kills)
            self._kill()
        if time.monotonic() > self._next_fault:
            self._next_fault = self._after(self.seconds_between_faults)
            self._break()

    def _kill(self) -> None:
        part = self._any(PARTS)
        if part == "sweep" and not self.stage.is_running("sweep"):
            part = "worker"
        if part in ("web", DATABASE) and self.random.random() < 0.3:
            # gunicorn replaces the one; PostgreSQL throws every connection out and recovers.
            self.stage.kill_one_process_of(part)
        else:
            self.stage.kill(part, self.random.uniform(0, LONGEST_DOWN))

    def _break(self) -> None:
        fault: Kind = self.random.choice(KINDS)
        path, calls = self._any(PATHS), self.random.choice((1, 1, 2, 4))
        # The sandbox may have been killed a moment ago.
        with suppress(requests.RequestException):
            self.stage.psps.break_calls(fault, path, calls=calls, seconds=self.random.choice((1, 3, 9)))
            self.faults[f"PSP {fault}"] += calls
            if self.random.random() < 0.1:
                self.stage.psps.revoke_tokens()
                self.faults["PayPal's token revoked"] += 1

    def _after(self, mean: float) -> float:
        return time.monotonic() + self.random.expovariate(1 / mean)

    def _any(self, weights: dict[str, int]) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]
