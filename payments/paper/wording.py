"""What the paper says, in the order's language: every word of it, ready to be set."""

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from orders.codes import grouped
from orders.money import format_amount, format_chf

from .facts import AttestationFacts, Line, Method, Seller

Words: TypeAlias = "str | list[Words] | dict[str, Words]"

SWISS_TIME = ZoneInfo("Europe/Zurich")


def worded(facts: AttestationFacts) -> dict[str, Words]:
    """The paper's words by their place on the sheet (`sheet/attestation.typ` names the same places)."""
    with translation.override(facts.language):
        return {
            "language": facts.language,
            **_head(facts),
            **_blocks(facts),
            **_table(facts),
            **_foot(facts),
        }


def _head(facts: AttestationFacts) -> dict[str, Words]:
    title = _("Attestation of payment")
    return {
        "title": title,
        "document_title": f"{title} {facts.number}",
        "number": _("No. %(number)s") % {"number": facts.number},
        "code": _("Code %(code)s") % {"code": grouped(facts.code)},
        "issued": _("Issued on %(moment)s (Swiss time)") % {"moment": _moment(facts.issued_at)},
        "seller": _seller(facts.seller),
        "paid": _("%(amount)s – paid") % {"amount": format_chf(facts.total)},
        "agreed": _("Bank’s agreement received on %(moment)s") % {"moment": _moment(facts.agreed_at)},
        "payment": [
            _means(facts.method, facts.provider),
            _("Ref. %(reference)s") % {"reference": facts.reference},
            _("On your statement: %(name)s") % {"name": facts.seller.statement_name},
        ],
    }


def _seller(seller: Seller) -> list[Words]:
    lines = [seller.name, seller.street, f"{seller.postcode} {seller.town}", seller.email, _uid(seller)]
    return [line for line in lines if line]


def _uid(seller: Seller) -> str:
    """The company number; the VAT register is mentioned only for who stands in it (LTVA art. 26 al. 2 let. a)."""
    if not seller.vat_registered:
        return seller.uid
    suffix = pgettext("suffix of the company number", "VAT")
    return f"{seller.uid}\N{NO-BREAK SPACE}{suffix}"


def _means(method: Method, provider: str) -> str:
    match method:
        case "card":
            return _("Card, through %(provider)s") % {"provider": provider}
        case "twint":
            return _("TWINT, through %(provider)s") % {"provider": provider}
        case "paypal":
            return "PayPal"


def _blocks(facts: AttestationFacts) -> dict[str, Words]:
    """Who and what: two columns of short blocks, each a heading and its lines."""
    order = [
        _block(
            _("Order"),
            facts.order_number,
            _("Placed on %(moment)s") % {"moment": _moment(facts.placed_at)},
        )
    ]
    if facts.delivery_address and facts.delivery_address != facts.billing_address:
        order.append(_block(_("Delivery"), *facts.delivery_address))
    return {"left": [_block(_("Customer"), *facts.billing_address)], "right": order}


def _block(heading: str, *lines: str) -> Words:
    return {"heading": heading, "lines": list(lines)}


def _table(facts: AttestationFacts) -> dict[str, Words]:
    registered = facts.seller.vat_registered
    columns: list[Words] = [_("Article"), _("Qty"), _("Price")]
    columns += [_("VAT")] if registered else []
    columns += [_("Total CHF")]
    return {
        "columns": columns,
        "rows": [*(_line(line, registered) for line in facts.lines), _shipping(facts)],
        "sums": _sums(facts) if registered else [],
        "total": _("Total, VAT included") if registered else _("Total"),
        "amount": format_chf(facts.total),
    }


def _line(line: Line, registered: bool) -> Words:
    figures: list[Words] = [str(line.quantity), format_amount(line.unit_price)]
    figures += [_percent(line.vat_rate)] if registered else []
    return {"name": line.name, "sku": line.sku, "figures": [*figures, format_amount(line.total)]}


def _shipping(facts: AttestationFacts) -> Words:
    price = format_amount(facts.shipping.price)
    figures: list[Words] = ["1", price]
    if facts.seller.vat_registered:
        figures.append(_percent(facts.vat[0].rate) if len(facts.vat) == 1 else _("pro rata"))
    return {"name": facts.shipping.name, "sku": "", "figures": [*figures, price]}


def _sums(facts: AttestationFacts) -> list[Words]:
    """Down the column: the total without VAT, then each rate's tax; they add up to the total."""
    sums: list[Words] = [{"label": _("Total without VAT"), "amount": format_amount(sum(vat.base for vat in facts.vat))}]
    for vat in facts.vat:
        label = _("VAT %(rate)s on %(base)s") % {"rate": _percent(vat.rate), "base": format_chf(vat.base)}
        sums.append({"label": label, "amount": format_amount(vat.tax)})
    return sums


def _foot(facts: AttestationFacts) -> dict[str, Words]:
    seller = facts.seller
    promises = [_("We keep no bank data.")]
    if seller.vat_registered:
        promises.append(_("This document serves as an invoice (art. 26 of the Swiss VAT Act)."))
    contact = _("Any question? Write to %(email)s and mention order %(number)s.")
    identity = [seller.name, seller.street, f"{seller.postcode} {seller.town}", _uid(seller)]
    return {
        "not_a_request": _("This document is a proof of payment, not a request for payment."),
        "notes": [" ".join(promises), contact % {"email": seller.email, "number": facts.order_number}],
        "identity": " · ".join(part for part in identity if part),
        # The sheet counts its own pages.
        "page": _("%(number)s · Page %(page)s of %(pages)s")
        % {"number": facts.number, "page": "{page}", "pages": "{pages}"},
    }


def _moment(time: datetime) -> str:
    """Day and time of day in Switzerland, kept on one line."""
    local = time.astimezone(SWISS_TIME)
    moment = _("%(date)s at %(time)s") % {"date": f"{local:%d.%m.%Y}", "time": f"{local:%H:%M:%S}"}
    return moment.replace(" ", "\N{NO-BREAK SPACE}")


def _percent(rate: Decimal) -> str:
    return _("%(rate)s%%") % {"rate": number_format(f"{rate.normalize():f}")}
