"""A witness inside PostgreSQL: writes down every change of a state, and every line of a timeline, with its transaction.

So no change can go unseen between two looks, and each can be held against the lines that were written with it.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection

SWORN_IN = """
CREATE SCHEMA witness;
CREATE TABLE witness.change (
    n bigserial, tx xid8 DEFAULT pg_current_xact_id(), what text, thing text, owner bigint, before text, after text
);
CREATE FUNCTION witness.of_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness.change (what, thing, owner, before, after)
        VALUES ('order', NEW.id, NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status);
    RETURN NULL;
END $$;
CREATE FUNCTION witness.of_payment() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness.change (what, thing, owner, before, after)
        VALUES ('payment', NEW.id, NEW.order_id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status);
    RETURN NULL;
END $$;
CREATE FUNCTION witness.of_money_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness.change (what, thing, owner, before, after)
        SELECT TG_ARGV[0], NEW.id, order_id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status
        FROM payments_payment WHERE id = NEW.payment_id;
    RETURN NULL;
END $$;
CREATE FUNCTION witness.of_line() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness.change (what, thing, owner, after) VALUES ('line', NEW.id, NEW.order_id, NEW.kind);
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE OF status ON orders_order
    FOR EACH ROW EXECUTE FUNCTION witness.of_order();
CREATE TRIGGER witness AFTER INSERT OR UPDATE OF status ON payments_payment
    FOR EACH ROW EXECUTE FUNCTION witness.of_payment();
CREATE TRIGGER witness AFTER INSERT OR UPDATE OF status ON payments_refund
    FOR EACH ROW EXECUTE FUNCTION witness.of_money_back('refund');
CREATE TRIGGER witness AFTER INSERT OR UPDATE OF status ON payments_dispute
    FOR EACH ROW EXECUTE FUNCTION witness.of_money_back('dispute');
CREATE TRIGGER witness AFTER INSERT ON orders_timelineentry
    FOR EACH ROW EXECUTE FUNCTION witness.of_line();
"""
DISMISSED = "DROP SCHEMA witness CASCADE;"  # its triggers go with it

# What a change must be told as, by what changed, from what, into what; what is not here must never happen.
LINES: dict[tuple[str, str | None, str], tuple[str, ...]] = {
    ("order", None, "pending"): ("placed",),
    ("order", "pending", "effective"): ("effective",),
    ("order", "cancelled", "effective"): ("revived",),
    ("order", "pending", "cancelled"): ("cancelled",),
    ("order", "effective", "cancelled"): ("cancelled",),
    ("payment", None, "started"): ("payment_started",),
    ("payment", "started", "failed"): ("payment_failed",),
    ("payment", "started", "expired"): ("payment_expired",),
    ("payment", "started", "authorised"): ("payment_authorised", "payment_not_settling"),
    ("payment", "failed", "authorised"): ("payment_authorised", "payment_not_settling"),
    ("payment", "expired", "authorised"): ("payment_authorised", "payment_not_settling"),
    ("refund", None, "requested"): ("refund_requested", "refund_found"),
    ("refund", "requested", "succeeded"): ("refund_succeeded",),
    ("refund", "failed", "succeeded"): ("refund_succeeded",),
    ("refund", "requested", "failed"): ("refund_failed",),
    ("refund", "succeeded", "failed"): ("refund_failed",),
    ("dispute", None, "open"): ("dispute",),
    ("dispute", None, "won"): ("dispute",),
    ("dispute", None, "lost"): ("dispute",),
    ("dispute", None, "closed"): ("dispute",),
}


class Change(NamedTuple):
    tx: str
    what: str
    thing: str
    owner: int
    before: str | None
    after: str


@contextmanager
def sworn_in() -> Iterator[None]:
    """Have the witness there."""
    with connection.cursor() as cursor:
        cursor.execute(SWORN_IN)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(DISMISSED)


def testimony() -> list[Change]:
    """What happened since the last time, in its order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH told AS (DELETE FROM witness.change RETURNING *)"
            " SELECT tx::text, what, thing, owner, before, after FROM told ORDER BY n"
        )
        return [Change(*row) for row in cursor.fetchall()]


def check(changes: list[Change]) -> None:
    """Every change was allowed, and told in the timeline of its order by the same transaction."""
    lines = Counter((one.tx, one.owner, one.after) for one in changes if one.what == "line")
    for one in changes:
        if one.what == "line" or one.before == one.after:
            continue
        if one.what == "dispute" and one.before:
            told: tuple[str, ...] = ("dispute",)
        else:
            assert (one.what, one.before, one.after) in LINES, f"{one.what}: {one.before} became {one.after}"
            told = LINES[one.what, one.before, one.after]
        line = next((kind for kind in told if lines[one.tx, one.owner, kind]), None)
        assert line, f"{one.what}: {one.before} became {one.after}, and the timeline does not say so"
        lines[one.tx, one.owner, line] -= 1
