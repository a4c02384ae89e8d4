"""`python -m tests.demo.code`: what the telephone of the local run's member of staff shows now."""

import sys
import time
from base64 import b32decode
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

FILE = "staff-second-factor"


def main(local: str = ".local") -> str | None:
    try:
        secret = b32decode((Path(local) / FILE).read_text())
    except FileNotFoundError:
        return f"kookut: nothing ran in {local} yet: `make run` first."
    print(TOTP(secret, 6, SHA1(), 30).generate(time.time()).decode())  # noqa: S303 what the apps know; in an HMAC it is sound
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
