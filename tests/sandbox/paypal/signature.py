"""PayPal's webhook signature, with a certificate of our own authority (psp-neutral facts: id|time|webhook id|crc32)."""

import base64
import os
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.environment import PAYPAL_ROOT_FILE, PAYPAL_WEBHOOK_ID

NAME = "messageverificationcerts.paypal.com"
PEM = serialization.Encoding.PEM
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Certificates:
    """The authority, and the leaf that signs; made at the first start, kept in the state folder."""

    def __init__(self, state: Path, api_url: str) -> None:
        key_file, chain_file = state / "paypal-leaf-key.pem", state / "paypal-chain.pem"
        if not (key_file.exists() and chain_file.exists() and (state / PAYPAL_ROOT_FILE).exists()):
            _make(key_file, chain_file, state / PAYPAL_ROOT_FILE)
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        self.chain = chain_file.read_bytes()
        leaf = x509.load_pem_x509_certificates(self.chain)[0]
        self.id = f"CERT-{leaf.fingerprint(hashes.SHA256()).hex()[:32]}"
        self.url = f"{api_url}/v1/notifications/certs/{self.id}"

    def signed(self, body: bytes, webhook: str = PAYPAL_WEBHOOK_ID) -> dict[str, str]:
        """The PAYPAL-* headers of one transmission of this body to the webhook of this id."""
        transmission = str(uuid.uuid4())
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = f"{transmission}|{at}|{webhook}|{zlib.crc32(body)}".encode()
        proof = self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {
            "PAYPAL-TRANSMISSION-ID": transmission,
            "PAYPAL-TRANSMISSION-TIME": at,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(proof).decode(),
            "PAYPAL-CERT-URL": self.url,
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-AUTH-VERSION": "v2",
        }


def _make(key_file: Path, chain_file: Path, root_file: Path) -> None:
    root_key, middle_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    leaf_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    root_name, middle_name = _name("KOOKUT sandbox root"), _name("KOOKUT sandbox intermediate")
    root = _authority(root_name, root_key, root_name, root_key, depth=1)
    middle = _authority(middle_name, middle_key, root_name, root_key, depth=0)
    leaf = _leaf(leaf_key, middle_name, middle_key)
    key_file.touch(mode=0o600)
    key_file.write_bytes(leaf_key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    chain_file.write_bytes(leaf.public_bytes(PEM) + middle.public_bytes(PEM))
    # Last and in one step: whoever waits for the root finds all of it.
    half = root_file.with_suffix(".half")
    half.write_bytes(root.public_bytes(PEM))
    os.replace(half, root_file)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _draft(subject: x509.Name, key: Key, issuer: x509.Name, issuer_key: Key) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _authority(subject: x509.Name, key: Key, issuer: x509.Name, issuer_key: Key, *, depth: int) -> x509.Certificate:
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
        _draft(subject, key, issuer, issuer_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _leaf(key: rsa.RSAPrivateKey, issuer: x509.Name, issuer_key: Key) -> x509.Certificate:
    return (
        _draft(_name(NAME), key, issuer, issuer_key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
