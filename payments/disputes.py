"""A customer's bank asks for the money back. The order stays as it is; while a dispute is open nothing ships."""

from django.utils.translation import gettext_noop as _

from orders.models import Order, TimelineEntry
from orders.moves import tell
from payments.gateways.base import DisputeNotice
from payments.letters import due
from payments.models import Dispute, Letter, Payment, SetAside


def record(order: Order, payment: Payment, notice: DisputeNotice) -> str:
    """Keep what the PSP says of a dispute, in the inbox's transaction; what it says now wins over what it said."""
    state = Dispute.Status(notice.state.value)
    known = Dispute.objects.filter(reference=notice.reference).first()
    amount = notice.amount or payment.amount
    if known and (known.status, known.due_at, known.amount) == (state, notice.due_at, amount):
        return _("This dispute is already here")
    dispute, _created = Dispute.objects.update_or_create(
        reference=notice.reference,
        defaults={
            "payment": payment,
            "reason": notice.reason[:60],
            "amount": amount,
            "due_at": notice.due_at,
            "status": state,
        },
    )
    told = tell(
        order,
        TimelineEntry.Kind.DISPUTE,
        TimelineEntry.Actor.BANK,
        payment.get_provider_display(),
        amount=payment.printed(dispute.amount),
        reason=dispute.reason,
        state=state.label,
    )
    if known is None or known.status != state:
        due(order, Letter.Kind.TO_STAFF, about=told.pk)
        # What somebody may have set aside was its end before it was opened again.
        SetAside.objects.filter(kind=SetAside.Kind.LOST, about=dispute.pk).delete()
    return _("The dispute is noted")
