"""Proof that a message comes from PayPal: its certificate, its chain, its signature.

The signature covers a CRC32 of the body only: what is proven here is still just a reason to ask PayPal itself.
"""

import base64
import logging
import re
import time
import zlib
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from payments.gateways.base import BadSignature, Unreachable
from payments.gateways.deadline import SOCKET_SECONDS, within

log = logging.getLogger(__name__)

ALGORITHM = "SHA256withRSA"
PATH = "/v1/notifications/certs/"
OWNER = ".paypal.com"
KEY_BITS = 2048
KEPT = 8
KEPT_SECONDS = 86_400
FETCHES_A_MINUTE = 10
FETCH_SECONDS = 5.0
CERTIFICATE_BYTES = 65_536

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)

# The form of the headers that are signed or lead to the proof.
FORMS = {
    "PayPal-Transmission-Id": re.compile(r"[A-Za-z0-9-]{1,64}"),
    "PayPal-Transmission-Time": re.compile(r"[0-9TZ:.+-]{1,40}"),
    "PayPal-Transmission-Sig": re.compile(r"[A-Za-z0-9+/]{1,1366}={0,2}"),
    "PayPal-Auth-Algo": re.compile(re.escape(ALGORITHM)),
}


@dataclass(frozen=True)
class _Certificate:
    key: rsa.RSAPublicKey
    until: float
    """Unix seconds: when it must be fetched and checked again."""


class Verifier:
    """Checks messages for our webhooks' ids. Certificates come from one address only, and are kept for a day."""

    def __init__(self, webhook_ids: tuple[str, ...], address: str, roots: Path | None) -> None:
        self._webhook_ids = webhook_ids
        self._address = re.compile(re.escape(address + PATH) + r"[A-Za-z0-9_-]{1,100}")
        self._roots = roots
        self._certificates: dict[str, _Certificate] = {}
        self._fetches: deque[float] = deque(maxlen=FETCHES_A_MINUTE)
        self._lock = Lock()

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raises BadSignature; Unreachable when the certificate could not be fetched."""
        for name, form in FORMS.items():
            if not form.fullmatch(headers.get(name, "")):
                raise BadSignature("header missing or malformed")
        url = headers.get("PayPal-Cert-Url", "")
        # The whole address is compared, not parsed: it is the attacker's to choose.
        if not self._address.fullmatch(url):
            raise BadSignature("certificate from elsewhere")
        try:
            signature = base64.b64decode(headers["PayPal-Transmission-Sig"], validate=True)
        except ValueError:
            raise BadSignature("signature malformed") from None
        key = self._key(url)
        sent = f"{headers['PayPal-Transmission-Id']}|{headers['PayPal-Transmission-Time']}"
        if not any(_signed(key, signature, f"{sent}|{id}|{zlib.crc32(body)}") for id in self._webhook_ids):
            raise BadSignature("not signed by PayPal for our webhook")

    def _key(self, url: str) -> rsa.RSAPublicKey:
        known = self._certificates.get(url)
        if known is None or known.until < time.time():
            if known is None:
                self._ration()  # one that was good before is never kept out by names that somebody invents
            known = _checked(within(FETCH_SECONDS, lambda: _fetched(url)), self._roots)
            with self._lock:
                if len(self._certificates) >= KEPT:
                    self._certificates.clear()
                self._certificates[url] = known
        return known.key

    def _ration(self) -> None:
        """Anybody can name certificates that do not exist, without end; PayPal has few, and changes them rarely."""
        with self._lock:
            now = time.monotonic()
            if len(self._fetches) == FETCHES_A_MINUTE and now - self._fetches[0] < 60:
                raise Unreachable("too many unknown certificates")
            self._fetches.append(now)


def _signed(key: rsa.RSAPublicKey, signature: bytes, message: str) -> bool:
    try:
        key.verify(signature, message.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _fetched(url: str) -> bytes:
    try:
        with requests.get(url, timeout=SOCKET_SECONDS, allow_redirects=False, stream=True) as response:
            status, pem = response.status_code, response.raw.read(CERTIFICATE_BYTES, decode_content=True)
    except (requests.RequestException, OSError) as error:
        failure = type(error).__name__
    else:
        if status == 404:
            raise BadSignature("no such certificate")
        if status == 200:
            return bytes(pem)
        failure = f"HTTP {status}"
    raise Unreachable(f"certificate: {failure}")


def _checked(pem: bytes, roots: Path | None) -> _Certificate:
    """The key of a signing certificate that is PayPal's, strong, and leads to an authority that we trust, today."""
    try:
        certificate, *others = x509.load_pem_x509_certificates(pem)
        policy = PolicyBuilder().store(Store(authorities(roots))).time(datetime.now(UTC))
        policy.build_server_verifier(x509.DNSName(_owner(certificate))).verify(certificate, others)
        key = certificate.public_key()
    except (ValueError, VerificationError) as error:
        log.error("A certificate at PayPal's address is not to be trusted: %s", type(error).__name__)
        raise BadSignature("certificate not trusted") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS:
        raise BadSignature("certificate too weak")
    return _Certificate(key, min(time.time() + KEPT_SECONDS, certificate.not_valid_after_utc.timestamp()))


def authorities(roots: Path | None) -> list[x509.Certificate]:
    """The authorities in a PEM file; the public ones, as for every HTTPS connection of ours, when there is none.

    One by one: some public roots have a serial number 0, which a later version of the package will not load.
    """
    found = []
    for pem in PEM.findall((roots or Path(DEFAULT_CA_BUNDLE_PATH)).read_bytes()):
        with suppress(ValueError):
            found.append(x509.load_pem_x509_certificate(pem))
    return found


def _owner(certificate: x509.Certificate) -> str:
    names = [str(name.value).lower() for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1 or not names[0].endswith(OWNER):
        raise ValueError("not PayPal's")
    return names[0]
