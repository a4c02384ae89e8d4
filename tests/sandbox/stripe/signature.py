"""Stripe's webhook signature: HMAC-SHA256 over "time.body" (docs.stripe.com/webhooks)."""

import hashlib
import hmac
import time

from tests.environment import STRIPE_WEBHOOK_SECRET


def signed(body: bytes) -> dict[str, str]:
    at = int(time.time())
    proof = hmac.new(STRIPE_WEBHOOK_SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={proof}"}
