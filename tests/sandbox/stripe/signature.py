"""Stripe's webhook signature: HMAC-SHA256 over "time.body" (docs.stripe.com/webhooks)."""

import hashlib
import hmac
import time


def signed(body: bytes, secret: str) -> dict[str, str]:
    at = int(time.time())
    proof = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={proof}"}
