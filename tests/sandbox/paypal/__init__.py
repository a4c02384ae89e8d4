"""PayPal as the shop uses it: Orders v2 and its webhooks."""
