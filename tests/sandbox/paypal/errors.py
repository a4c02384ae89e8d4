"""PayPal's error answers (developer.paypal.com/api/rest/responses)."""

from typing import Any

from tests.sandbox.names import paypal_id

MESSAGES = {
    "INVALID_REQUEST": "Request is not well-formed, syntactically incorrect, or violates schema.",
    "UNPROCESSABLE_ENTITY": (
        "The requested action could not be performed, semantically incorrect, or failed business validation."
    ),
    "RESOURCE_NOT_FOUND": "The specified resource does not exist.",
    "RESOURCE_CONFLICT": "The server has detected a conflict while processing this request.",
    "UNSUPPORTED_MEDIA_TYPE": "The server does not support the request payload's media type.",
}
STATUSES = {
    "INVALID_REQUEST": 400,
    "UNPROCESSABLE_ENTITY": 422,
    "RESOURCE_NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}


class PayPalError(Exception):
    """An answer that says no, in PayPal's shape."""

    def __init__(self, name: str, issue: str, description: str, *, field: str = "", value: Any = None) -> None:
        super().__init__(f"{name}: {issue}")
        detail: dict[str, Any] = {"issue": issue, "description": description}
        if field:
            detail |= {"field": field, "location": "body"}
        if value is not None:
            detail["value"] = value
        self.issue = issue
        self.status = STATUSES[name]
        self.debug_id = paypal_id(13).lower()
        link = f"https://developer.paypal.com/docs/api/orders/v2/#error-{issue}"
        self.body: dict[str, Any] = {
            "name": name,
            "details": [detail],
            "message": MESSAGES[name],
            "debug_id": self.debug_id,
            "links": [{"href": link, "rel": "information_link", "method": "GET"}],
        }


class Unauthorised(Exception):
    """A 401 in the shape of OAuth."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


def malformed(issue: str, description: str, field: str, value: Any = None) -> PayPalError:
    return PayPalError("INVALID_REQUEST", issue, description, field=field, value=value)


def unprocessable(issue: str, description: str, field: str = "") -> PayPalError:
    return PayPalError("UNPROCESSABLE_ENTITY", issue, description, field=field)


def not_found() -> PayPalError:
    return PayPalError(
        "RESOURCE_NOT_FOUND",
        "INVALID_RESOURCE_ID",
        "Specified resource ID does not exist. Please check the resource ID and try again.",
    )


class NotAuthorised(Exception):
    """A 403: the app may not do this."""

    def __init__(self) -> None:
        super().__init__("NOT_AUTHORIZED")
        self.body = {
            "name": "NOT_AUTHORIZED",
            "message": "Authorization failed due to insufficient permissions.",
            "debug_id": paypal_id(13).lower(),
            "details": [],
            "links": [],
        }


class PlainError(Exception):
    """A 400 in the older shape of PayPal's v1 endpoints."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        link = "https://developer.paypal.com/docs/api/webhooks/v1/#errors"
        self.body = {
            "name": name,
            "message": message,
            "information_link": link,
            "debug_id": paypal_id(13).lower(),
            "details": [],
        }
