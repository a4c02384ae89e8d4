"""Orders, payments and the bank's messages for staff: everything to be seen, nothing to be edited."""

from payments.admin import money, orders, outgoing

__all__ = ["money", "orders", "outgoing"]
