"""Stripe as the shop uses it: Checkout with card and TWINT."""
