"""What the paper says, in the order's language: every word of it, ready to be set."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from orders.codes import grouped
from orders.money import format_amount, format_money
from payments.gateways.base import PaymentDetails
from payments.statement import name_on_statement

from .facts import AttestationFacts, Facts, Line, NoDetails, RefundFacts, Seller

Words: TypeAlias = "str | list[Words] | dict[str, Words]"

SWISS_TIME = ZoneInfo("Europe/Zurich")
BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "diners": "Diners Club"}
WALLETS = {"apple_pay": "Apple Pay", "google_pay": "Google Pay", "samsung_pay": "Samsung Pay", "link": "Link"}


def worded(facts: Facts) -> dict[str, Words]:
    """The paper's words by their place on the sheet (`sheet/paper.typ` names the same places)."""
    with translation.override(facts.language):
        match facts:
            case AttestationFacts():
                own = _attestation(facts)
            case RefundFacts():
                own = _refund_notice(facts)
            case _:
                raise TypeError(type(facts).__name__)
        return {
            "language": facts.language,
            "number": _("No. %(number)s") % {"number": facts.number},
            "code": _("Code %(code)s") % {"code": grouped(facts.code)},
            "shop": facts.seller.shop or facts.seller.name,
            "seller": _seller(facts.seller),
            **own,
            "document_title": f"{own['title']} {facts.number}",
            "verify": _verify(facts),
            **_foot(facts),
        }


def _attestation(facts: AttestationFacts) -> dict[str, Words]:
    order = [_order(facts, _supply(facts))]
    if facts.delivery_address and facts.delivery_address != facts.billing_address:
        order.append(_block(_("Delivery"), *facts.delivery_address))
    with_vat = bool(facts.vat)
    promises = [_("We keep no bank data.")]
    if with_vat:
        promises.append(_("This document serves as an invoice (art. 26 of the Swiss VAT Act)."))
    return {
        "title": _("Attestation of payment"),
        "issued": _issued(facts),
        "tone": "paid" if facts.stays else "refunded",
        "verdict": (_("%(amount)s – paid") if facts.stays else _("%(amount)s – paid, then returned"))
        % {"amount": _money(facts, facts.total)},
        "when": _agreed(facts),
        "payment": [*_means(facts), *_statement(facts)],
        "left": [_block(_("Customer"), *facts.billing_address)],
        "right": order,
        "columns": _columns(facts),
        "rows": [*(_sold(facts, line) for line in facts.lines), _shipping(facts)],
        "sums": _sums(facts),
        "total": _("Total, VAT included") if with_vat else _("Total"),
        "amount": _money(facts, facts.total),
        "after": _after(facts),
        "statement": _("This document is a proof of payment, not a request for payment."),
        "notes": [" ".join(promises), _contact(facts)],
    }


def _agreed(facts: AttestationFacts) -> str:
    agreed = (
        _("PayPal’s agreement received on %(moment)s")
        if facts.method == "paypal"
        else _("Bank’s agreement received on %(moment)s")
    )
    return agreed % {"moment": _moment(facts.agreed_at)}


def _issued(facts: AttestationFacts) -> str:
    """When it was; and since when it says what this print does, for who compares it with an earlier one."""
    issued = _("Issued on %(moment)s (Swiss time)") % {"moment": _moment(facts.issued_at)}
    if facts.updated_at is None:
        return issued
    updated = _("Brought up to date on %(moment)s") % {"moment": _moment(facts.updated_at)}
    return f"{issued}. {updated}."


def _refund_notice(facts: RefundFacts) -> dict[str, Words]:
    corrects = _("It corrects attestation %(number)s.") % {"number": facts.attestation} if facts.attestation else ""
    return {
        "title": _("Refund notice"),
        "issued": pgettext("refund notice", "Issued on %(moment)s (Swiss time)") % {"moment": _moment(facts.issued_at)},
        "tone": "refunded",
        "verdict": _("%(amount)s – refunded") % {"amount": _money(facts, facts.total)},
        "when": _("Refund confirmed on %(moment)s") % {"moment": _moment(facts.refunded_at)},
        "payment": _means(facts),
        "left": [_block(_("Customer"), *facts.billing_address)],
        "right": [_order(facts)],
        "columns": _columns(facts),
        "rows": [_line(line, bool(facts.vat)) for line in facts.lines],
        "sums": _sums(facts),
        "total": _("Total refunded"),
        "amount": _money(facts, facts.total),
        "after": [],
        "statement": _("This document is a proof of refund. You have nothing to pay."),
        "notes": [" ".join(filter(None, [corrects, _("We keep no bank data.")])), _contact(facts)],
    }


def _after(facts: AttestationFacts) -> list[Words]:
    """What went back since the payment, is disputed or was taken back, and what stays paid."""
    after: list[Words] = []
    for refund in facts.refunds:
        label = _("Refunded on %(moment)s") % {"moment": _moment(refund.at)}
        after.append({"label": label, "amount": f"−{_money(facts, refund.amount)}"})
    if facts.disputed_at:
        label = f"{_('Disputed at the payer’s bank')} ({_moment(facts.disputed_at)})"
        after.append({"label": label, "amount": _("not decided yet")})
    if facts.taken_back:
        label = _("Taken back by the payer’s bank after a dispute (told on %(moment)s)")
        label %= {"moment": _moment(facts.taken_back.at)}
        after.append({"label": label, "amount": f"−{_money(facts, facts.taken_back.amount)}"})
    if facts.going_back:
        after.append(
            {"label": _("Refund requested, not confirmed yet"), "amount": f"−{_money(facts, facts.going_back)}"}
        )
    if after:
        after.append({"label": _("Stays paid"), "amount": _money(facts, facts.stays - facts.going_back)})
    return after


def _seller(seller: Seller) -> list[Words]:
    lines = [seller.name, seller.street, f"{seller.postcode} {seller.town}", seller.email, _uid(seller)]
    return [line for line in lines if line]


def _uid(seller: Seller) -> str:
    """The company number; the VAT register is mentioned only for who stands in it (LTVA art. 26 al. 2 let. a)."""
    if not seller.vat_registered:
        return seller.uid
    # The three that the law knows: English has to borrow one.
    suffix = pgettext("suffix of the company number", "MWST")
    return f"{seller.uid}\N{NO-BREAK SPACE}{suffix}"


def _means(facts: Facts) -> list[Words]:
    """How it was paid: what the shop knows, and what the PSP has just shown of it."""
    match facts.method:
        case "card":
            means = _("Card, through %(provider)s") % {"provider": facts.provider}
        case "twint":
            means = _("TWINT, through %(provider)s") % {"provider": facts.provider}
        case "paypal":
            means = "PayPal"
    match facts.details:
        case NoDetails.SILENT:
            shown: list[Words] = [_("No detail: %(provider)s did not answer.") % {"provider": facts.provider}]
        case NoDetails.NOT_SHOWN:
            shown = [_("%(provider)s does not show any detail any more.") % {"provider": facts.provider}]
        case PaymentDetails() as details:
            # The authorisation code is that of the payment.
            shown = _shown(details if isinstance(facts, AttestationFacts) else replace(details, authorisation=""))
    return [means, *shown, _("Ref. %(reference)s") % {"reference": facts.reference}]


def _statement(facts: Facts) -> list[Words]:
    name = name_on_statement(facts.method, facts.seller.statement_name)
    return [_("On your statement: %(name)s") % {"name": name}] if name else []


def _shown(details: PaymentDetails) -> list[Words]:
    card = BRANDS.get(details.brand, details.brand.replace("_", " ").title())
    if details.last_digits:
        card = f"{card} •••• {details.last_digits}".strip()
    wallet = WALLETS.get(details.wallet, details.wallet.replace("_", " ").title())
    lines: list[Words] = [" · ".join(filter(None, [card, wallet, details.account]))]
    if details.authorisation:
        lines.append(_("Authorisation code %(code)s") % {"code": details.authorisation})
    return [line for line in lines if line]


def _order(facts: Facts, *more: str) -> Words:
    placed = _("Placed on %(moment)s") % {"moment": _moment(facts.placed_at)}
    return _block(_("Order"), facts.order_number, placed, *more)


def _supply(facts: AttestationFacts) -> str:
    """When the goods are supplied, or were sent (LTVA art. 26 al. 2 let. c)."""
    if facts.shipped_at:
        return _("Sent on %(day)s") % {"day": _day(facts.shipped_at.astimezone(SWISS_TIME))}
    if not facts.is_still_to_come:
        return _("Nothing was sent")
    if facts.going_back:
        return _("Nothing will be sent")
    if facts.is_held:
        return _("Nothing is sent for now")
    return _("Delivery by %(day)s") % {"day": _day(facts.delivery_by)}


def _verify(facts: Facts) -> Words:
    """Where the paper can be verified; its address in two lines, none of which needs to be broken."""
    site, _slash, code = facts.verify_url.partition("://")[2].removesuffix("/").rpartition("/")
    return {
        "heading": _("Verify this document"),
        "address": [f"{site}/", code],
        "initials": _("Customer’s initials: %(initials)s") % {"initials": facts.initials} if facts.initials else "",
        "text": _("The page must show the same number, amount, date and initials."),
        "alt": _("QR code that leads to %(address)s") % {"address": f"{site}/{code}"},
    }


def _block(heading: str, *lines: str) -> Words:
    return {"heading": heading, "lines": list(lines)}


def _columns(facts: Facts) -> list[Words]:
    columns: list[Words] = [_("Article"), _("Qty"), _("Price")]
    columns += [_("VAT")] if facts.vat else []
    return [*columns, _("Total %(currency)s") % {"currency": facts.currency}]


def became_of(quantity: int, refunded: int, *, is_sent: bool, ended: bool) -> str:
    """What became of a line's pieces, in the language in use: of so many sold, so many were refunded. Where the order
    has `ended`, nothing of it leaves any more. Empty where nothing is to be said."""
    if not refunded:
        return _("Will not be sent") if ended and not is_sent else ""
    if refunded < quantity:
        some = {"n": refunded, "quantity": quantity}
        if is_sent:
            return _("%(n)s of %(quantity)s refunded") % some
        return _("%(n)s of %(quantity)s refunded and not sent") % some
    return _("Refunded") if is_sent else _("Refunded, will not be sent")


def _sold(facts: AttestationFacts, line: Line) -> Words:
    note = became_of(line.quantity, line.refunded, is_sent=bool(facts.shipped_at), ended=not facts.stays)
    return {**_line(line, bool(facts.vat)), "note": note}


def _line(line: Line, with_vat: bool) -> dict[str, Words]:
    figures: list[Words] = [str(line.quantity), format_amount(line.unit_price)]
    if with_vat:
        figures.append(_percent(line.vat_rate) if line.vat_rate is not None else _("pro rata"))
    return {"name": line.name, "sku": line.sku, "note": "", "figures": [*figures, format_amount(line.total)]}


def _shipping(facts: AttestationFacts) -> Words:
    price = format_amount(facts.shipping.price)
    figures: list[Words] = ["1", price]
    if facts.vat:
        figures.append(_percent(facts.vat[0].rate) if len(facts.vat) == 1 else _("pro rata"))
    back = facts.shipping.price and sum(gone.amount for gone in facts.refunds) >= facts.total
    note = _("Refunded") if back else ""
    return {"name": facts.shipping.name, "sku": "", "note": note, "figures": [*figures, price]}


def _sums(facts: Facts) -> list[Words]:
    """Down the column: the total without VAT, then each rate's tax; they add up to the total."""
    if not facts.vat:
        return []
    sums: list[Words] = [{"label": _("Total without VAT"), "amount": format_amount(sum(vat.base for vat in facts.vat))}]
    for vat in facts.vat:
        label = _("VAT %(rate)s on %(base)s") % {"rate": _percent(vat.rate), "base": _money(facts, vat.base)}
        sums.append({"label": label, "amount": format_amount(vat.tax)})
    return sums


def _contact(facts: Facts) -> str:
    contact = _("Any question? Write to %(email)s and mention order %(number)s.")
    return contact % {"email": facts.seller.email, "number": facts.order_number}


def _foot(facts: Facts) -> dict[str, Words]:
    seller = facts.seller
    identity = [seller.name, seller.street, f"{seller.postcode} {seller.town}", _uid(seller)]
    return {
        "identity": " · ".join(part for part in identity if part),
        # The sheet counts its own pages.
        "page": _("%(number)s · Page %(page)s of %(pages)s")
        % {"number": facts.number, "page": "{page}", "pages": "{pages}"},
    }


def _money(facts: Facts, centimes: int) -> str:
    return format_money(centimes, facts.currency)


def _moment(time: datetime) -> str:
    """Day and time of day in Switzerland, kept on one line."""
    local = time.astimezone(SWISS_TIME)
    moment = _("%(date)s at %(time)s") % {"date": _day(local), "time": f"{local:%H:%M:%S}"}
    return moment.replace(" ", "\N{NO-BREAK SPACE}")


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _percent(rate: Decimal) -> str:
    return _("%(rate)s%%") % {"rate": number_format(f"{rate.normalize():f}")}
