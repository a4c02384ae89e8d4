"""The four roles: what each may do. `manage.py set_up_roles` writes them into the database.

None looks after people's accounts: who could make a second one would release the refunds that the first has proposed.
"""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

SEEN = ["order", "orderline", "timelineentry", "product", "category", "shippingmethod", "vatrate"]
SEEN_OF_MONEY = ["payment", "refund", "dispute", "webhookevent", "letter", "attestation"]

READING = {*(f"orders.view_{model}" for model in SEEN), *(f"payments.view_{model}" for model in SEEN_OF_MONEY)}
SUPPORT = {
    *READING,
    "orders.send_letters_again",
    "orders.check_with_psp",
    "orders.note_order",
    "orders.close_payment_page",
    "orders.cancel_order",
    "orders.ship_order",
    "orders.replace_link",
}
ACCOUNTING = {
    *READING,
    "orders.check_with_psp",
    "orders.note_order",
    "orders.export_orders",
    "payments.view_balance",
    "payments.view_export",
    "payments.set_aside",
    "payments.request_refund",
    "payments.release_refund",
}
MANAGER = {
    *SUPPORT,
    *ACCOUNTING,
    "payments.accept_payment",
    "payments.write_off_order",
    "orders.adjust_stock",
    "orders.add_product",
    "orders.change_product",
    "orders.add_category",
    "orders.change_category",
    "orders.delete_category",
    "orders.add_shippingmethod",
    "orders.change_shippingmethod",
    "orders.delete_shippingmethod",
    "orders.add_vatrate",
    "orders.change_vatrate",
    "orders.delete_vatrate",
}
ROLES = {"reading": READING, "support": SUPPORT, "accounting": ACCOUNTING, "manager": MANAGER}
ROLE_NAMES = {
    "reading": _("Reading"),
    "support": _("Support"),
    "accounting": _("Accounting"),
    "manager": _("Manager"),
}


@transaction.atomic
def set_up() -> list[str]:
    """Make every role allow exactly what stands above; returns what that changed.

    Raises KeyError for a permission that the database does not know (then `migrate` was not run).
    """
    changes = []
    known = {f"{one.content_type.app_label}.{one.codename}": one for one in _permissions()}
    for name, wanted in ROLES.items():
        group, created = Group.objects.get_or_create(name=name)
        if created:
            changes.append(f"{name}: new")
        had = {f"{one.content_type.app_label}.{one.codename}" for one in _permissions().filter(group=group)}
        for codename in sorted(wanted - had):
            group.permissions.add(known[codename])
            changes.append(f"{name}: + {codename}")
        for codename in sorted(had - wanted):
            group.permissions.remove(known[codename])
            changes.append(f"{name}: - {codename}")
    return changes


def _permissions() -> QuerySet[Permission]:
    return Permission.objects.select_related("content_type")
