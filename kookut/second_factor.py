"""The second factor of staff: six digits from an app (TOTP, RFC 6238), or a recovery code.

The secret is encrypted with a key made from SECRET_KEY: whoever reads the database alone cannot make codes. With a new
SECRET_KEY everybody sets up a new one (recovery codes still open: of them a hash is kept, which needs no key).
"""

import hashlib
import logging
import re
import secrets
import time
from base64 import b32encode, urlsafe_b64encode
from hmac import compare_digest

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from kookut.models import RecoveryCode, SecondFactor
from orders.codes import grouped, is_valid, new_code, normalise

log = logging.getLogger(__name__)
STEP = 30
DRIFT = 1
"""So many steps may a telephone's clock be before or behind ours."""
SECRET_BYTES = 20
DIGITS = re.compile(r"[0-9]{6}")
RECOVERY_CODES = 10
RECOVERY_LENGTH = 16


def of(user: User) -> SecondFactor | None:
    """The second factor that a person has confirmed."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()


def begin(user: User, secret: bytes | None = None) -> SecondFactor:
    """The one that a person sets up: a new secret, the same as often as it is shown, until it is confirmed."""
    encrypted = _cipher().encrypt(secret or secrets.token_bytes(SECRET_BYTES))
    factor, _ = SecondFactor.objects.get_or_create(user=user, defaults={"encrypted_secret": encrypted})
    if factor.confirmed_at is None and _secret(factor) is None:
        factor.encrypted_secret = encrypted
        factor.save(update_fields=["encrypted_secret"])
    return factor


def confirm(factor: SecondFactor, typed: str) -> bool:
    """Whether the code proves that the person's app has the secret; if so, it counts from now on."""
    if not accepts(factor, typed):
        return False
    factor.confirmed_at = now()
    factor.save(update_fields=["confirmed_at"])
    return True


def accepts(factor: SecondFactor, typed: str) -> bool:
    """Whether the six digits are right now, give or take a step. Each code opens once, even typed twice at once."""
    digits, secret = "".join(typed.split()), _secret(factor)
    if not DIGITS.fullmatch(digits) or secret is None:
        return False
    current = int(time.time()) // STEP
    for step in range(current - DRIFT, current + DRIFT + 1):
        if compare_digest(code_at(secret, step), digits):
            newer = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
            return newer.update(last_step=step) == 1
    return False


def code_at(secret: bytes, step: int) -> str:
    return _totp(secret).generate(step * STEP).decode()


def shown(factor: SecondFactor) -> tuple[str, str]:
    """The secret as an app takes it: as text in groups of four, and as the address in the QR code."""
    secret = _secret(factor) or b""
    text = b32encode(secret).decode()
    groups = " ".join(text[start : start + 4] for start in range(0, len(text), 4))
    return groups, _totp(secret).get_provisioning_uri(factor.user.get_username(), settings.SELLER["shop"])


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Ten new codes in the place of all earlier ones. They can be shown now and never again."""
    codes = [new_code(RECOVERY_LENGTH) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
    return [grouped(code) for code in codes]


def redeem(user: User, typed: str) -> bool:
    """Whether it is one of the person's recovery codes; then it is used up."""
    code = normalise(typed)
    return is_valid(code) and RecoveryCode.objects.filter(user=user, digest=_digest(code)).delete()[0] == 1


@transaction.atomic
def reset(user: User) -> bool:
    """Take a person's second factor and recovery codes away: all sessions end, the next login sets up a new one."""
    RecoveryCode.objects.filter(user=user).delete()
    return SecondFactor.objects.filter(user=user).delete()[0] > 0


def _digest(code: str) -> bytes:
    """No slow hash and no salt: the code is 80 random bits, nobody can try them all."""
    return hashlib.sha256(code.encode()).digest()


def _secret(factor: SecondFactor) -> bytes | None:
    try:
        return _cipher().decrypt(bytes(factor.encrypted_secret))
    except InvalidToken:
        log.error("A second factor was encrypted with another SECRET_KEY: its owner must set up a new one.")
        return None


def _cipher() -> Fernet:
    return Fernet(urlsafe_b64encode(salted_hmac("kookut.second_factor", "", algorithm="sha256").digest()))


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, 6, SHA1(), STEP)  # noqa: S303 what the apps know; in an HMAC it is sound
