"""Lists and expansions, which all of Stripe's objects share."""

from collections.abc import Callable
from itertools import islice, takewhile
from typing import Any

from tests.sandbox.books import Books, Document
from tests.sandbox.stripe.errors import StripeError, no_such
from tests.sandbox.stripe.events import public

KINDS = {
    "payment_intent": "stripe payment_intent",
    "latest_charge": "stripe charge",
    "charge": "stripe charge",
    "balance_transaction": "stripe balance_transaction",
}
SOURCES = ("stripe charge", "stripe refund", "stripe dispute", "stripe payout")  # what a line of the balance is about


def page(things: list[Document], params: dict[str, Any], url: str) -> Document:
    """One page of a list that is newest first, after or before a cursor."""
    things = [thing for thing in things if _created(thing, params.get("created"))]
    limit = _limit(params)
    ids = [thing["id"] for thing in things]
    if "ending_before" in params:
        newer = things[: _position(ids, params["ending_before"], "ending_before")]
        shown, more = newer[-limit:], len(newer) > limit
    else:
        start = _position(ids, params["starting_after"], "starting_after") + 1 if "starting_after" in params else 0
        shown, more = things[start : start + limit], len(things) > start + limit
    return {"object": "list", "data": [public(thing) for thing in shown], "has_more": more, "url": url}


def walked(books: Books, kind: str, keep: Callable[[Document], bool], params: dict[str, Any], url: str) -> Document:
    """The same page of a list that may be long: no more of it is read than is shown."""
    limit, created = _limit(params), params.get("created")
    older = "ending_before" not in params
    name = "starting_after" if older else "ending_before"
    things = books.walk(kind, newest_first=older, beyond=params.get(name))
    if older and isinstance(created, dict):
        since = max(created.get("gte", 0), created.get("gt", 0))
        things = takewhile(lambda thing: bool(thing["created"] >= since), things)
    try:
        found = list(islice((t for t in things if _created(t, created) and keep(t)), limit + 1))
    except KeyError:
        raise no_such("object", params[name], name) from None
    shown = found[:limit] if older else found[:limit][::-1]
    return {"object": "list", "data": shown, "has_more": len(found) > limit, "url": url}


def _limit(params: dict[str, Any]) -> int:
    limit: int = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise StripeError("Invalid limit: must be between 1 and 100.", param="limit")
    return limit


def _created(thing: Document, wanted: int | dict[str, int] | None) -> bool:
    at = thing["created"]
    if wanted is None or isinstance(wanted, int):
        return wanted is None or at == wanted
    tests = {"gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return all(tests[name](bound) for name, bound in wanted.items())


def _position(ids: list[str], cursor: str, param: str) -> int:
    if cursor not in ids:
        raise no_such("object", cursor, param)
    return ids.index(cursor)


def expand(books: Books, answer: Document, paths: list[str]) -> Document:
    """Put whole objects where their ids stand. Raises StripeError for what is no reference."""
    if len(paths) > 20:
        raise StripeError("You can expand at most 20 properties.", param="expand")
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4:
            raise StripeError(f"You cannot expand more than 4 levels of a property: {path}", param="expand")
        starts = [answer]
        if answer["object"] == "list":
            if steps[0] != "data":
                raise _not_expandable(path)
            starts, steps = answer["data"], steps[1:]
        for start in starts:
            _walk(books, start, steps, path)
    return answer


def _walk(books: Books, thing: Document, steps: list[str], path: str) -> None:
    step, *rest = steps
    if step == "line_items" and thing["object"] == "checkout.session":
        thing["line_items"] = books.get("stripe line_items", thing["id"])
        return
    kinds = SOURCES if step == "source" and thing["object"] == "balance_transaction" else (KINDS.get(step, ""),)
    if not kinds[0] or step not in thing:
        raise _not_expandable(path)
    if isinstance(thing[step], str):
        found = next((whole for kind in kinds if (whole := books.get(kind, thing[step]))), None)
        thing[step] = public(found) if found else None
    if rest and thing[step]:
        _walk(books, thing[step], rest, path)


def _not_expandable(path: str) -> StripeError:
    return StripeError(f"This property cannot be expanded ({path}).", param="expand")
