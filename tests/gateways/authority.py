"""Certificates as PayPal might show them, good and bad, and messages signed with them."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from requests.structures import CaseInsensitiveDict

NAME = "messageverificationcerts.paypal.com"
WEBHOOK_ID = "8WH-ONE"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True)
class Authority:
    """A root with its intermediate."""

    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    middle_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def write_root(self, path: Path) -> Path:
        path.write_bytes(self._signing("root", self.root_key, "root", self.root_key, 1).public_bytes(Encoding.PEM))
        return path

    def intermediate(self) -> bytes:
        middle = self._signing("intermediate", self.middle_key, "root", self.root_key, 0)
        return middle.public_bytes(Encoding.PEM)

    def leaf(
        self,
        key: Key | None = None,
        *,
        names: tuple[str, ...] = (NAME,),
        alternative: str = NAME,
        days: tuple[int, int] = (-1, 30),
    ) -> bytes:
        """A signing certificate: `days` from now for the beginning and the end of its life."""
        builder = (
            _draft(names, key or rsa_key(2048), "intermediate", self.middle_key, days)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(alternative)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        return builder.sign(self.middle_key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def chain(self) -> bytes:
        return self.leaf() + self.intermediate()

    def _signing(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str,
        issuer_key: ec.EllipticCurvePrivateKey,
        depth: int,
    ) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            _draft((name,), key, issuer, issuer_key, (-1, 365))
            .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
            .add_extension(usage, critical=True)
            .sign(issuer_key, hashes.SHA256())
        )


def _draft(
    names: tuple[str, ...], key: Key, issuer: str, issuer_key: Key, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def signed(body: bytes, url: str, *, webhook_id: str = WEBHOOK_ID, bits: int = 2048) -> Mapping[str, str]:
    """The headers of PayPal's message with this body, signed with the certificate at `url`."""
    sent, at = "b2384410-f8d2-11ef-a0f3-4d5f2a2b1e8c", "2026-11-22T12:00:00Z"
    message = f"{sent}|{at}|{webhook_id}|{zlib.crc32(body)}".encode()
    proof = rsa_key(bits).sign(message, padding.PKCS1v15(), hashes.SHA256())
    return CaseInsensitiveDict(
        {
            "PAYPAL-TRANSMISSION-ID": sent,
            "PAYPAL-TRANSMISSION-TIME": at,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(proof).decode(),
            "PAYPAL-CERT-URL": url,
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        }
    )
