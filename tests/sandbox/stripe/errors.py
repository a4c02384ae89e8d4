"""Stripe's error answers (docs.stripe.com/api/errors)."""

from typing import Any


class StripeError(Exception):
    """An answer that says no, in Stripe's shape."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"error": {"message": message, "type": type}}
        if code:
            self.body["error"]["code"] = code
            self.body["error"]["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param:
            self.body["error"]["param"] = param


def no_such(noun: str, id: str, param: str = "id") -> StripeError:
    return StripeError(f"No such {noun}: '{id}'", status=404, code="resource_missing", param=param)
