"""No call to a PSP is waited for longer than it may take."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from payments.configuration import PayPalConfiguration, StripeConfiguration
from payments.gateways.base import Gateway, Unreachable
from payments.gateways.deadline import at_most, within
from payments.gateways.paypal import PayPalGateway
from payments.gateways.stripe import StripeGateway
from tests.gateways.cast import URLS, APayment
from tests.gateways.server import Answer, serving

HAND_OFF = 8.0


def drops(enough: Event) -> Iterator[bytes]:
    """A byte now and then: no time-out of a socket notices."""
    while not enough.wait(0.3):
        yield b" "


def test_a_hand_off_ends_in_time_even_when_the_answer_comes_drop_by_drop() -> None:
    enough = Event()
    with serving(lambda _: Answer(drops=drops(enough))) as server:
        url = server.url
        gateways: list[Gateway] = [
            StripeGateway(StripeConfiguration("sk_test_x", ("whsec_x",), url, url, livemode=False)),
            PayPalGateway(PayPalConfiguration("id", "secret", ("8WH",), url, url, url, certificate_roots=None)),
        ]
        with ThreadPoolExecutor() as threads:
            took = list(threads.map(_seconds_until_unreachable, gateways))
        enough.set()
    assert max(took) <= HAND_OFF
    assert len(server.requests) == len(gateways)


def _seconds_until_unreachable(gateway: Gateway) -> float:
    began = time.monotonic()
    with pytest.raises(Unreachable):
        gateway.open(APayment(method="card" if gateway.provider == "stripe" else "paypal"), URLS)
    return time.monotonic() - began


def test_a_call_in_time_gives_its_answer() -> None:
    assert within(5, lambda: 7) == 7


def test_what_a_call_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_several_calls_share_the_time_of_all() -> None:
    never = Event()
    began = time.monotonic()
    with at_most(0.2):
        for _ in range(3):
            with pytest.raises(Unreachable):
                within(60, lambda: never.wait(2))
    assert time.monotonic() - began < 1
    assert within(5, lambda: 7) == 7


def test_nobody_listening_is_unreachable() -> None:
    with serving(lambda _: Answer()) as server:
        url = server.url
    gateway = StripeGateway(StripeConfiguration("sk_test_x", ("whsec_x",), url, url, livemode=False))
    with pytest.raises(Unreachable):
        gateway.look(APayment().on("cs_test_1"))
