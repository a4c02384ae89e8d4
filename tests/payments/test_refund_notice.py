"""The refund notice: numbered beside the attestations, correcting their VAT to the centime, had as they are."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings as shop
from django.core import mail
from django.db import transaction
from django.test import Client, override_settings
from django.utils.timezone import localtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order, OrderLine
from orders.vat import shares
from payments import attestation, notices
from payments.models import Attestation, Letter, Refund
from payments.refunds import Wanted, ask, carry_out
from payments.sweep import sweep
from payments.verification import Verdict, verify
from tests.at_once import at_once
from tests.payments.histories.clock import Clock, moved_by_hand
from tests.payments.papers import SELLER, embedded_facts, pages
from tests.payments.steps import bring_messages, give_back, paid
from tests.sandbox.client import Sandbox
from tests.shop import deliver, goods, placed, started, stripe_event

NORMAL, REDUCED = Decimal("8.1"), Decimal("2.6")


def notice(refund: Refund) -> str:
    """What its notice says."""
    refund.refresh_from_db()
    return " ".join(pages(attestation.draw(attestation.of_refund(refund)))).replace("\u00a0", " ")


def of_two_rates(psps: Sandbox) -> Order:
    """A bowl at the normal rate for CHF 29.00, two jars of honey at the reduced one for CHF 18.50 each."""
    bowl, honey = goods(), goods(names={"fr": "Miel"}, price=1850)
    order, _page = paid(
        psps,
        "card",
        bowl,
        goods_total=6600,
        total=7500,
        vat=[
            {"rate": str(share.rate), "base": share.base, "tax": share.tax}
            for share in shares({NORMAL: 2900, REDUCED: 3700}, 900)
        ],
    )
    OrderLine.objects.create(
        order=order, product=honey, sku=honey.sku, name="Miel", unit_price=1850, vat_rate=REDUCED, quantity=2
    )
    return order


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_it_says_what_went_back_when_to_whom_and_why_nothing_is_to_be_paid(psps: Sandbox, method: str) -> None:
    order, page = paid(psps, method)
    refund = give_back(psps, order, 1000)
    said = notice(refund)
    for fact in [
        "Avis de remboursement",
        f"N° {attestation.of_refund(refund).number}",
        "CHF 10.00 – remboursé",
        "Remboursement confirmé le",
        "Client Claire Dufour Rue de Carouge 12 1205 Genève",
        f"Commande {order.number}",
        f"Réf. {refund.reference}",
        f"Remboursement, commande {order.number}",
        "Total remboursé CHF 10.00",
        "Ce document est une preuve de remboursement. Vous n’avez rien à payer.",
        f"Il corrige l’attestation {attestation.of(order).number}.",
    ]:
        assert fact in said, fact
    assert "n’en veut plus" not in said, "the staff's reason is nobody else's"
    assert psps.payment(page)["refunded"] == 1000


@pytest.mark.django_db
def test_the_pieces_that_went_back_are_named_where_the_amount_is_theirs(psps: Sandbox) -> None:
    order = of_two_rates(psps)
    honey = order.lines.get(name="Miel")
    said = notice(give_back(psps, order, 1850, pieces={honey.pk: 1}))
    assert f"Miel {honey.sku} 1 18.50 2,6 % 18.50" in said
    assert "Total hors TVA 18.03 TVA 2,6 % sur CHF 18.03 0.47 Total remboursé CHF 18.50" in said


@pytest.mark.django_db
def test_an_amount_over_several_rates_is_one_line_and_its_vat_adds_up(psps: Sandbox) -> None:
    order = of_two_rates(psps)
    said = notice(give_back(psps, order, 5000))
    assert f"Remboursement, commande {order.number} 1 50.00 au prorata 50.00" in said
    assert "TVA 8,1 % sur" in said
    assert "TVA 2,6 % sur" in said


@pytest.mark.django_db
def test_the_whole_sale_goes_back_line_by_line_with_the_rates_that_its_attestation_shows(psps: Sandbox) -> None:
    order, _page = paid(psps)
    said = notice(give_back(psps, order, order.total))
    (line,) = order.lines.all()
    assert f"{line.name} {line.sku} 1 29.00 8,1 % 29.00 {order.shipping_name} 1 9.00 8,1 % 9.00" in said
    both = of_two_rates(psps)
    said = notice(give_back(psps, both, both.total))
    assert f"{both.shipping_name} 1 9.00 au prorata 9.00" in said


@pytest.mark.django_db
def test_a_notice_keeps_its_moment_whatever_becomes_of_the_money(psps: Sandbox) -> None:
    order, page = paid(psps)
    with moved_by_hand() as clock:
        refund = give_back(psps, order, 1000)
        before = attestation.draw(attestation.of_refund(refund))
        moment = re.search(r"Remboursement confirmé le ([\d.]+) à ([\d:]+)", notice(refund))
        assert moment
        clock.move(timedelta(days=4))
        psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")
        bring_messages(psps)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.FAILED
    said = Client().get(f"/v/{refund.notice.code}/").content.decode()
    assert f"Remboursé le</dt><dd>{moment[1]} {moment[2]}</dd>" in said
    assert attestation.draw(refund.notice) == before


@pytest.mark.django_db
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.integers(1, 2400), min_size=1, max_size=3))
def test_the_notices_of_an_order_never_correct_more_than_its_vat(psps: Sandbox, parts: list[int]) -> None:
    order = of_two_rates(psps)
    facts = []
    for part in [*parts, 7500 - sum(parts)]:
        refund = give_back(psps, order, part)
        facts.append(embedded_facts(attestation.draw(attestation.of_refund(refund))))
    assert all(sum(share["base"] + share["tax"] for share in one["vat"]) == one["total"] for one in facts)
    for share in order.vat_shares:
        corrected = [own for one in facts for own in one["vat"] if Decimal(own["rate"]) == share.rate]
        assert sum(own["base"] for own in corrected) == share.base
        assert sum(own["tax"] for own in corrected) == share.tax


@pytest.mark.django_db
def test_a_seller_who_is_not_registered_corrects_no_vat(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    seller = {name: getattr(SELLER, name) for name in SELLER.__dataclass_fields__} | {"vat_registered": False}
    with override_settings(SELLER=seller):
        said = notice(refund)
        facts = embedded_facts(attestation.draw(attestation.of_refund(refund)))
    assert "Article Qté Prix Total CHF" in said
    assert "TVA" not in said
    assert facts["vat"] == []


@pytest.mark.django_db
def test_money_that_settled_nothing_goes_back_without_vat_and_corrects_nothing(psps: Sandbox) -> None:
    order = placed()
    first = started(order)
    second_message = stripe_event(first)
    deliver(stripe_event(first, "checkout.session.expired"))
    deliver(stripe_event(started(order)))
    deliver(second_message)
    surplus = order.payments.exclude(why_not="").get()
    refund = surplus.refunds.get()
    Refund.objects.filter(pk=refund.pk).update(
        status=Refund.Status.SUCCEEDED, reference="re_1", settled_at=surplus.authorised_at
    )
    said = notice(refund)
    assert "CHF 38.00 – remboursé" in said
    assert "Total remboursé CHF 38.00" in said
    assert "Il corrige" not in said
    assert "Total hors TVA" not in said
    assert embedded_facts(attestation.draw(attestation.of_refund(refund)))["attestation"] == ""


@pytest.mark.django_db
def test_euros_that_settled_nothing_go_back_as_euros_everywhere(psps: Sandbox, admin_client: Client) -> None:
    order = placed()
    deliver(stripe_event(started(order), currency="eur"))
    euros = order.payments.get()
    deliver(stripe_event(started(order)))
    refund = Refund.objects.create(payment=euros, amount=3800, status="succeeded", settled_at=euros.authorised_at)
    said = notice(refund)
    assert "EUR 38.00 – remboursé" in said
    assert not re.search(r"\bCHF\b", said)

    code = attestation.of_refund(refund).code
    verified = Client().get(f"/v/{code}/").content.decode().replace("\u00a0", " ")
    office = admin_client.get(f"/admin/orders/order/{order.pk}/change/").content.decode().replace("\u00a0", " ")
    page = Client().get(f"/commande/{order.token}/").content.decode().replace("\u00a0", " ")
    assert "<dd>EUR 38.00</dd>" in verified
    assert "Avis de remboursement de EUR 38.00" in office
    assert re.search(r"avec avis, EUR 38.00", office)
    assert re.search(r"avis de remboursement <[^>]+>AR-[-\d]+</span> du [\d.]+ de EUR 38.00", page)


@pytest.mark.django_db
def test_a_refund_corrects_the_vat_that_its_attestation_showed(psps: Sandbox) -> None:
    order, _page = paid(psps)
    attestation.of(order)
    unregistered = {"vat_registered": False, "name": "Kookut SA", "street": "Quai Neuf 2"}
    with override_settings(SELLER=shop.SELLER | unregistered):
        said = notice(give_back(psps, order, 1000))
    assert "Kookut SA Quai Neuf 2" in said
    assert "CHE-123.456.788 TVA" in said
    assert "TVA 8,1 % sur" in said


@pytest.mark.django_db
def test_what_a_lost_dispute_took_does_not_stay_paid(psps: Sandbox) -> None:
    order, page = paid(psps)
    attestation.of(order)
    give_back(psps, order, 1000)
    with moved_by_hand() as clock:
        clock.move(timedelta(days=9))
        psps.move_dispute(psps.dispute(page, amount=2000), "lost")
        bring_messages(psps)
    lost = order.payments.get().disputes.get().decided_at
    assert lost
    at = f"{localtime(lost):%d.%m.%Y à %H:%M:%S}"
    said = pages(attestation.draw(attestation.of(order)))[0].replace("\u00a0", " ")
    taken = f"Repris par la banque du payeur après contestation (annoncé le {at})"
    assert "CHF 38.00 – payé" in said, "what was paid was paid"
    assert f"−CHF 10.00 {taken} −CHF 20.00 Reste payé CHF 8.00" in said
    assert f"(heure suisse). Mise à jour le {at}." in said
    page_says = Client().get(f"/commande/{order.token}/").content.decode().replace("\u00a0", " ")
    assert "le solde payé est de CHF 8.00" in page_says
    assert taken in page_says, "who prints the page has it too"
    assert f"(heure suisse). Mise à jour le {at}." in page_says
    words = notices.of(order.letters.get(kind="refunded"))
    assert "Le solde payé de votre commande est de CHF 8.00" in " ".join(words.paragraphs).replace("\u00a0", " ")


@pytest.mark.django_db
def test_the_attestation_tells_of_refunds_since_and_what_stays_paid(psps: Sandbox) -> None:
    order, _page = paid(psps)
    before = pages(attestation.draw(attestation.of(order)))[0]
    give_back(psps, order, 1000)
    give_back(psps, order, 550)
    said = pages(attestation.draw(attestation.of(order)))[0].replace("\u00a0", " ")
    assert "Remboursé" not in before
    assert "CHF 38.00 – payé" in said, "what was paid was paid"
    assert "−CHF 10.00 Remboursé le" in said
    assert "−CHF 5.50 Reste payé CHF 22.50" in said


@pytest.mark.django_db
def test_a_paper_says_when_its_list_last_changed_be_it_that_a_refund_came_back(psps: Sandbox) -> None:
    order, page = paid(psps)

    def says(word: str) -> bool:
        return word in pages(attestation.draw(attestation.of(order)))[0].replace("\u00a0", " ")

    with moved_by_hand() as clock:
        assert not says("Mise à jour le")
        refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
        assert not says("Mise à jour le"), "it is asked for only"
        carry_out(refund.pk)
        bring_messages(psps)
        assert says(f"Mise à jour le {localtime(clock.now):%d.%m.%Y à %H:%M:%S}")
        assert says("−CHF 10.00")
        clock.move(timedelta(days=4))
        psps.settle_refund(psps.payment(page)["refunds"][0]["id"], "failed")
        bring_messages(psps)
        assert says(f"Mise à jour le {localtime(clock.now):%d.%m.%Y à %H:%M:%S}")
        assert not says("−CHF 10.00")


@pytest.mark.django_db
def test_a_refund_that_is_only_asked_for_or_failed_stands_on_no_paper(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = ask(order.payments.get().pk, Wanted(1000, "Retour"))
    assert "Remboursé" not in pages(attestation.draw(attestation.of(order)))[0]
    with pytest.raises(Attestation.DoesNotExist):
        attestation.of_refund(refund)
    address = f"/commande/{order.token}/remboursement/{refund.pk}.pdf"
    assert Client().get(address).status_code == 404
    Refund.objects.filter(pk=refund.pk).update(status=Refund.Status.FAILED)
    assert Client().get(address).status_code == 404


# The seller


@pytest.mark.django_db
def test_a_paper_names_the_seller_of_its_day_wherever_the_shop_moves(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    before = pages(attestation.draw(attestation.of(order))), notice(refund)
    moved = {"name": "Kookut SA", "street": "Quai Neuf 2", "uid": "CHE-109.322.551", "vat_registered": False}
    with override_settings(SELLER=shop.SELLER | moved):
        assert (pages(attestation.draw(attestation.of(order))), notice(refund)) == before
    assert "Kookut SA" not in str(before)


@pytest.mark.django_db
def test_a_sale_before_the_registration_never_shows_vat(psps: Sandbox) -> None:
    order, _page = paid(psps, "card", vat=[])
    said = pages(attestation.draw(attestation.of(order)))[0] + notice(give_back(psps, order, 1000))
    assert "Total CHF 38.00" in said.replace("\u00a0", " ")
    assert [word for word in ("TVA comprise", "hors TVA", "%", "tient lieu de facture") if word in said] == []


@pytest.mark.django_db
def test_who_left_the_register_before_the_number_was_given_shows_no_vat(psps: Sandbox) -> None:
    order, _page = paid(psps)
    with override_settings(SELLER=shop.SELLER | {"vat_registered": False}):
        said = pages(attestation.draw(attestation.of(order)))[0]
        assert "TVA" not in said
        assert "TVA" not in Client().get(f"/commande/{order.token}/").content.decode().partition("</header>")[2]
        sweep()
    (message,) = [one for one in mail.outbox if order.number in one.subject]
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert "TVA" not in f"{message.body} {message.alternatives}"


# Numbers


def numbered_at(clock: Clock, moment: datetime) -> list[str]:
    """The numbers that are given at that moment."""
    clock.move(moment - clock.now)
    before = set(Attestation.objects.values_list("pk", flat=True))
    attestation.give_numbers()
    return [one.number for one in Attestation.objects.exclude(pk__in=before).order_by("series", "n")]


@pytest.mark.django_db(transaction=True)
def test_a_series_begins_anew_with_the_year_in_zurich(psps: Sandbox) -> None:
    orders = [paid(psps)[0] for _ in range(6)]
    # Placed before the clock is ours; numbered in pairs, by the time at which somebody needs them.
    effective = dict(Order.objects.values_list("pk", "effective_at"))
    Order.objects.update(numbered=True)
    give_back(psps, orders[0], 100)
    Attestation.objects.all().delete()
    Refund.objects.update(numbered=True)
    assert len(effective) == 6
    given = []
    with moved_by_hand() as clock:
        for pair, moment in enumerate(
            [
                datetime(2026, 12, 31, 12, 0, 0, tzinfo=UTC),
                datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
                datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC),
            ]
        ):
            Order.objects.filter(pk__in=[one.pk for one in orders[2 * pair : 2 * pair + 2]]).update(numbered=False)
            if pair == 2:
                Refund.objects.update(numbered=False)
            given.append(numbered_at(clock, moment))
    assert given == [
        ["AP-2026-000001", "AP-2026-000002"],
        ["AP-2026-000003", "AP-2026-000004"],
        ["AP-2027-000001", "AP-2027-000002", "AR-2027-000001"],
    ]
    newest = Attestation.objects.get(series="AP", year=2027, n=1)
    assert newest.issued_at == datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC)
    assert "Émise le 01.01.2027 à 00:00:00 (heure suisse)" in pages(attestation.draw(newest))[0].replace("\u00a0", " ")


@pytest.mark.django_db
def test_numbers_that_were_rolled_back_leave_no_gap(psps: Sandbox) -> None:
    first, _page = paid(psps)
    assert attestation.of(first).n == 1
    second, _page = paid(psps)
    with transaction.atomic():
        assert attestation.of(second).n == 2
        transaction.set_rollback(True)
    third, _page = paid(psps)
    assert (attestation.of(second).n, attestation.of(third).n) == (2, 3)


@pytest.mark.django_db
def test_each_series_counts_for_itself_without_a_gap(psps: Sandbox) -> None:
    numbers = []
    for _ in range(3):
        order, _page = paid(psps)
        numbers += [attestation.of(order).number, attestation.of_refund(give_back(psps, order, 500)).number]
        numbers.append(attestation.of_refund(give_back(psps, order, 500)).number)
    series = {name: [int(one[-6:]) for one in numbers if one.startswith(name)] for name in ("AP", "AR")}
    assert series == {"AP": [1, 2, 3], "AR": [1, 2, 3, 4, 5, 6]}


@pytest.mark.django_db(transaction=True)
def test_notices_have_no_gap_and_no_twin_however_many_ask_at_once(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refunds = [give_back(psps, order, 100) for _ in range(6)]
    at_once(*[lambda refund=refund: attestation.of_refund(Refund.objects.get(pk=refund.pk)) for refund in refunds])
    given = Attestation.objects.filter(series="AR").order_by("n")
    assert [one.n for one in given] == [1, 2, 3, 4, 5, 6]
    assert len({one.code for one in given}) == 6


@pytest.mark.django_db
def test_a_notice_is_numbered_by_the_sweep_if_nobody_asks_for_it(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    Letter.objects.all().delete()
    sweep()
    assert Attestation.objects.get(refund=refund).number.startswith("AR-")


# Getting it


@pytest.mark.django_db
def test_it_comes_with_the_mail_that_tells_of_the_refund(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    mail.outbox.clear()
    sweep()
    told = next(message for message in mail.outbox if "remboursement" in message.subject.lower())
    (attached,) = told.attachments
    name, content, kind = attached
    assert (name, kind) == (f"{attestation.of_refund(refund).number}.pdf", "application/pdf")
    assert isinstance(content, bytes)
    assert "CHF 10.00 – remboursé" in pages(content)[0]


@pytest.mark.django_db
def test_a_refund_that_bounced_before_the_mail_left_is_told_to_nobody(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    Refund.objects.filter(pk=refund.pk).update(status=Refund.Status.FAILED)
    sweep()
    assert not [message for message in mail.outbox if "remboursement" in message.subject.lower()]
    assert not Attestation.objects.filter(refund=refund).exists()


@pytest.mark.django_db
def test_it_is_had_from_the_orders_page_at_any_time(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    address = f"/commande/{order.token}/remboursement/{refund.pk}.pdf"
    page = Client().get(f"/commande/{order.token}/").content.decode()
    assert f'href="{address}"' in page
    assert "(PDF" in page

    answer = Client().get(address)

    number = attestation.of_refund(refund).number
    assert answer["Content-Disposition"] == f'attachment; filename="{number}.pdf"'
    assert answer["X-Robots-Tag"] == "noindex"
    assert "no-store" in answer["Cache-Control"]
    assert number in pages(answer.content)[0]


@pytest.mark.django_db
def test_the_link_of_another_order_does_not_show_it(psps: Sandbox) -> None:
    order, _page = paid(psps)
    other, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    assert Client().get(f"/commande/{other.token}/remboursement/{refund.pk}.pdf").status_code == 404


@pytest.mark.django_db
def test_anybody_can_verify_it_until_it_bounces(psps: Sandbox) -> None:
    order, _page = paid(psps)
    refund = give_back(psps, order, 1000)
    paper = attestation.of_refund(refund)
    found = verify(paper.code)
    assert (found.verdict, found.number, found.amount) == (Verdict.AUTHENTIC, paper.number, 1000)
    assert found.is_refund_notice
    assert f"/v/{paper.code[:4]}" in notice(refund).replace(" ", "")
    Refund.objects.filter(pk=refund.pk).update(status=Refund.Status.FAILED)
    assert verify(paper.code).verdict == Verdict.BOUNCED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "word"), [("de", "Rückerstattungsbeleg"), ("it", "Avviso di rimborso"), ("en", "Refund notice")]
)
def test_it_speaks_the_language_of_the_order(psps: Sandbox, language: str, word: str) -> None:
    order, _page = paid(psps, "card", language=language)
    said = notice(give_back(psps, order, 1000))
    assert word in said
    assert order.number in said
