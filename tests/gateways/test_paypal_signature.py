"""The proof that a message comes from PayPal."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from requests.structures import CaseInsensitiveDict

from payments.gateways import paypal_signature
from payments.gateways.base import BadSignature, Unreachable
from payments.gateways.paypal_signature import Verifier
from tests.gateways.authority import WEBHOOK_ID, Authority, rsa_key, signed
from tests.gateways.forgery import with_crc_of
from tests.gateways.server import Answer, Request, Server, serving

BODY = b'{"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {"id": "2GG", "custom_id": "x"}}'
PATH = "/v1/notifications/certs/"
GOOD = "CERT-360caa42-fca2a594-df8cd2d5"


@dataclass(frozen=True)
class PayPal:
    """PayPal's certificates: what they are by name, and who checks them."""

    authority: Authority
    certificates: dict[str, Answer]
    server: Server
    verifier: Verifier

    def url(self, name: str = GOOD) -> str:
        return f"{self.server.url}{PATH}{name}"

    def show(self, pem: bytes) -> None:
        self.certificates[GOOD] = Answer(body=pem)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def paypal(authority: Authority, tmp_path: Path) -> Iterator[PayPal]:
    certificates = {GOOD: Answer(body=authority.chain())}

    def answer(request: Request) -> Answer:
        return certificates.get(request.path.removeprefix(PATH), Answer(404))

    with serving(answer) as server:
        root = authority.write_root(tmp_path / "root.pem")
        yield PayPal(authority, certificates, server, Verifier((WEBHOOK_ID, "8WH-TWO"), server.url, root))


def test_it_proves_a_message(paypal: PayPal) -> None:
    paypal.verifier.verify(BODY, signed(BODY, paypal.url()))


def test_case_22_either_webhook_id_proves_a_message(paypal: PayPal) -> None:
    paypal.verifier.verify(BODY, signed(BODY, paypal.url(), webhook_id="8WH-TWO"))


@pytest.mark.parametrize("webhook_id", ["8WH-OTHER", "WEBHOOK_ID", ""])
def test_case_48_a_message_for_another_webhook_is_refused(paypal: PayPal, webhook_id: str) -> None:
    with pytest.raises(BadSignature):
        paypal.verifier.verify(BODY, signed(BODY, paypal.url(), webhook_id=webhook_id))


def test_another_body_is_refused(paypal: PayPal) -> None:
    with pytest.raises(BadSignature):
        paypal.verifier.verify(BODY + b" ", signed(BODY, paypal.url()))


def test_a_body_with_the_same_crc_is_proven_too(paypal: PayPal) -> None:
    """This is why a proven message of PayPal's is a hint only, and the object is read live."""
    forged = with_crc_of(BODY, BODY.replace(b'"x"', b'"FORGED"').replace(b"2GG", b"9XX"))
    assert forged != BODY
    paypal.verifier.verify(forged, signed(BODY, paypal.url()))


def test_it_fetches_a_certificate_once(paypal: PayPal) -> None:
    for _ in range(20):
        paypal.verifier.verify(BODY, signed(BODY, paypal.url()))
    assert len(paypal.server.requests) == 1


HOSTILE = [
    "https://evil.example/v1/notifications/certs/CERT-1",
    "https://evilpaypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
    "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
    "https://user:word@api.paypal.com/v1/notifications/certs/CERT-1",
    "http://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/../../../evil/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/%2e%2e/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/CERT-1?to=evil.example",
    "https://api.paypal.com/v1/notifications/certs/CERT-1#evil",
    "https://api.paypal.com/evil/CERT-1",
    "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/CERT-1\r\nHost: evil.example",
    "https://api.paypal.com/v1/notifications/certs/CERT-1\n",
    "https://аpi.paypal.com/v1/notifications/certs/CERT-1",  # a Cyrillic а
    "https://169.254.169.254/v1/notifications/certs/CERT-1",
    "//api.paypal.com/v1/notifications/certs/CERT-1",
    "file:///etc/passwd",
    "https://api.paypal.com/v1/notifications/certs/",
    f"https://api.paypal.com/v1/notifications/certs/{'C' * 200}",
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_case_47_nothing_is_fetched_from_where_paypal_is_not(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    sent: list[str] = []
    monkeypatch.setattr(requests.Session, "send", lambda _, request, **kwargs: sent.append(request.url))
    verifier = Verifier((WEBHOOK_ID,), "https://api.paypal.com", None)
    with pytest.raises(BadSignature):
        verifier.verify(BODY, signed(BODY, url))
    assert sent == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYPAL-TRANSMISSION-ID", None),
        ("PAYPAL-TRANSMISSION-ID", "1|2026"),
        ("PAYPAL-TRANSMISSION-ID", "1" * 200),
        ("PAYPAL-TRANSMISSION-TIME", None),
        ("PAYPAL-TRANSMISSION-TIME", "yesterday|"),
        ("PAYPAL-TRANSMISSION-SIG", None),
        ("PAYPAL-TRANSMISSION-SIG", "é"),
        ("PAYPAL-TRANSMISSION-SIG", "abc"),
        ("PAYPAL-TRANSMISSION-SIG", "A" * 5000),
        ("PAYPAL-AUTH-ALGO", None),
        ("PAYPAL-AUTH-ALGO", "SHA1withRSA"),
        ("PAYPAL-AUTH-ALGO", "SHA256withRSA\n"),
        ("PAYPAL-CERT-URL", None),
    ],
)
def test_case_48_a_header_that_paypal_would_not_send_costs_no_call(
    paypal: PayPal, name: str, value: str | None
) -> None:
    headers = {key: given for key, given in signed(BODY, paypal.url()).items() if key != name}
    with pytest.raises(BadSignature):
        paypal.verifier.verify(BODY, CaseInsensitiveDict(headers | ({name: value} if value else {})))
    assert paypal.server.requests == []


def _elliptic(authority: Authority) -> bytes:
    return authority.leaf(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    "leaf",
    [
        lambda authority: Authority().leaf(),
        lambda authority: authority.leaf(days=(-30, -1)),
        lambda authority: authority.leaf(days=(1, 30)),
        lambda authority: authority.leaf(names=("messageverificationcerts.evilpaypal.com",)),
        lambda authority: authority.leaf(names=("evil.example",), alternative="evil.example"),
        lambda authority: authority.leaf(names=("paypal.com.evil.example",)),
        lambda authority: authority.leaf(names=("a.paypal.com", "b.paypal.com")),
        lambda authority: authority.leaf(names=()),
        lambda authority: authority.leaf(names=("*.paypal.com",), alternative="*.paypal.com"),
        lambda authority: authority.leaf(names=("é.paypal.com",)),
        lambda authority: authority.leaf(alternative="other.paypal.com"),
        lambda authority: authority.leaf(rsa_key(1024)),
        _elliptic,
        lambda authority: b"no certificate",
        lambda authority: b"",
    ],
    ids=[
        "another authority's",
        "expired",
        "not yet valid",
        "another owner",
        "another owner's, good for his own name",
        "an owner that only sounds right",
        "two owners",
        "no owner",
        "any owner",
        "an odd owner",
        "for another name",
        "too short a key",
        "another kind of key",
        "not a certificate",
        "nothing",
    ],
)
def test_a_certificate_that_is_not_to_be_trusted_proves_nothing(
    paypal: PayPal, leaf: Callable[[Authority], bytes], request: pytest.FixtureRequest
) -> None:
    paypal.show(leaf(paypal.authority) + paypal.authority.intermediate())
    bits = 1024 if "short" in request.node.name else 2048
    with pytest.raises(BadSignature):
        paypal.verifier.verify(BODY, signed(BODY, paypal.url(), bits=bits))


def test_a_chain_with_a_gap_proves_nothing(paypal: PayPal) -> None:
    paypal.show(paypal.authority.leaf())
    with pytest.raises(BadSignature):
        paypal.verifier.verify(BODY, signed(BODY, paypal.url()))


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_the_public_authorities_are_trusted_where_no_others_are_named(paypal: PayPal) -> None:
    names = [authority.subject.rfc4514_string() for authority in paypal_signature.authorities(None)]
    assert any("DigiCert Global Root G2" in name for name in names)  # PayPal's own since October 2024
    verifier = Verifier((WEBHOOK_ID,), paypal.server.url, None)
    with pytest.raises(BadSignature):
        verifier.verify(BODY, signed(BODY, paypal.url()))


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_case_47_a_certificate_that_cannot_be_fetched_proves_nothing_either_way(paypal: PayPal, status: int) -> None:
    paypal.certificates[GOOD] = Answer(status)
    with pytest.raises(Unreachable):
        paypal.verifier.verify(BODY, signed(BODY, paypal.url()))
    paypal.show(paypal.authority.chain())
    paypal.verifier.verify(BODY, signed(BODY, paypal.url()))


def test_a_certificate_that_does_not_exist_proves_nothing(paypal: PayPal) -> None:
    with pytest.raises(BadSignature):
        paypal.verifier.verify(BODY, signed(BODY, paypal.url("CERT-invented")))


def test_it_follows_nobody_elsewhere(paypal: PayPal) -> None:
    paypal.certificates["CERT-there"] = Answer(302, headers={"Location": paypal.url()})
    with pytest.raises(Unreachable):
        paypal.verifier.verify(BODY, signed(BODY, paypal.url("CERT-there")))
    assert len(paypal.server.requests) == 1


def test_it_reads_no_more_than_a_certificate_may_be(paypal: PayPal) -> None:
    paypal.certificates[GOOD] = Answer(drops=iter(lambda: b"x" * 65_536, b""))
    with pytest.raises(BadSignature):
        paypal.verifier.verify(BODY, signed(BODY, paypal.url()))


def test_names_without_end_do_not_make_it_ask_without_end(paypal: PayPal) -> None:
    paypal.verifier.verify(BODY, signed(BODY, paypal.url()))
    for n in range(50):
        with pytest.raises((BadSignature, Unreachable)):
            paypal.verifier.verify(BODY, signed(BODY, paypal.url(f"CERT-{n}")))
    assert len(paypal.server.requests) == paypal_signature.FETCHES_A_MINUTE
    paypal.verifier.verify(BODY, signed(BODY, paypal.url()))


def test_a_minute_later_unknown_names_are_asked_for_again_and_no_more_than_before(
    paypal: PayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.monotonic
    for minute in range(2):
        monkeypatch.setattr(time, "monotonic", lambda minute=minute: clock() + 61 * minute)
        for n in range(50):
            with pytest.raises((BadSignature, Unreachable)):
                paypal.verifier.verify(BODY, signed(BODY, paypal.url(f"CERT-{n}")))
        assert len(paypal.server.requests) == paypal_signature.FETCHES_A_MINUTE * (minute + 1)


def test_invented_names_do_not_keep_a_good_certificate_from_being_renewed(
    paypal: PayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    paypal.verifier.verify(BODY, signed(BODY, paypal.url()))
    for n in range(paypal_signature.FETCHES_A_MINUTE):
        with pytest.raises((BadSignature, Unreachable)):
            paypal.verifier.verify(BODY, signed(BODY, paypal.url(f"CERT-{n}")))

    later = time.time() + paypal_signature.KEPT_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    paypal.verifier.verify(BODY, signed(BODY, paypal.url()))


def test_no_more_than_a_few_certificates_are_kept(paypal: PayPal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paypal_signature, "KEPT", 2)
    for n in range(6):
        paypal.certificates[f"CERT-{n}"] = Answer(body=paypal.authority.chain())
        paypal.verifier.verify(BODY, signed(BODY, paypal.url(f"CERT-{n}")))
    assert len(paypal.verifier._certificates) <= 2


def test_a_certificate_is_looked_at_again_after_a_day(paypal: PayPal, monkeypatch: pytest.MonkeyPatch) -> None:
    paypal.verifier.verify(BODY, signed(BODY, paypal.url()))
    later = time.time() + paypal_signature.KEPT_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    paypal.verifier.verify(BODY, signed(BODY, paypal.url()))
    assert len(paypal.server.requests) == 2


def test_a_refusal_holds_nothing_of_the_message(paypal: PayPal) -> None:
    with pytest.raises(BadSignature) as refused:
        paypal.verifier.verify(BODY, signed(BODY + b" ", paypal.url()))
    assert not re.search(r"WH-1|CAPTURE|b2384410", f"{refused.value!r}")
