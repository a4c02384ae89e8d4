"""The papers as PDF: what they say, how they are made, and that no text can break them."""

import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from orders.money import format_amount
from payments.gateways.base import PaymentDetails
from payments.paper import (
    AttestationFacts,
    Facts,
    Gone,
    Line,
    Method,
    NoDetails,
    RefundFacts,
    Shipping,
    Vat,
    draw,
    printable,
    worded,
)
from payments.paper.press import SHEET
from tests.payments.papers import SELLER, embedded_facts, pages
from tests.scanner import code_on, picture, scanned

NORMAL, REDUCED = Decimal("8.1"), Decimal("2.6")
CLAIRE = ("Claire Dufour", "Rue de Carouge 12", "1205 Genève")
WORKSHOP = ("Atelier Dufour SA", "Chemin des Vignes 3", "1005 Lausanne")
GOODS = (
    Line("Cocotte en fonte, 24 cm", 1, 18_900, NORMAL, "KK-COC-24"),
    Line("Carnet relié, lac", 2, 2_900, NORMAL, "KK-CAR-01"),
    Line("Huile d’olive, 5 dl", 3, 1_850, REDUCED, "KK-HUI-05"),
    Line("Couteau d’office", 1, 6_250, NORMAL),
    Line("Torchons en lin", 2, 3_950, NORMAL),
)
FACTS = AttestationFacts(
    number="AP-2026-000412",
    code="7F3Q20KX9M4DX",
    verify_url="https://kookut.example/v/7F3Q-20KX-9M4DX/",
    issued_at=datetime(2026, 11, 22, 13, 32, 41, tzinfo=UTC),
    agreed_at=datetime(2026, 11, 22, 13, 32, 8, tzinfo=UTC),
    language="fr",
    seller=SELLER,
    billing_address=CLAIRE,
    initials="C. D.",
    delivery_address=CLAIRE,
    delivery_by=date(2026, 11, 26),
    order_number="KK-7F3Q-20",
    placed_at=datetime(2026, 11, 22, 13, 30, 12, tzinfo=UTC),
    lines=GOODS,
    shipping=Shipping("PostPac Priority", 900),
    vat=(Vat(NORMAL, 36_772, 2_978), Vat(REDUCED, 5_409, 141)),
    total=45_300,
    method="twint",
    provider="Stripe",
    reference="pi_3QK9aB2eZvKYlo2C0abcdeFG",
    details=PaymentDetails(),
)
VISA = PaymentDetails(brand="visa", last_digits="4242", wallet="apple_pay", authorisation="T9K2QX")
REFUND = RefundFacts(
    number="AR-2026-000007",
    code="7F3Q20KX9M4DX",
    verify_url="https://kookut.example/v/7F3Q-20KX-9M4DX/",
    issued_at=datetime(2026, 11, 25, 9, 0, 1, tzinfo=UTC),
    refunded_at=datetime(2026, 11, 25, 9, 0, 0, tzinfo=UTC),
    language="fr",
    seller=SELLER,
    billing_address=CLAIRE,
    initials="C. D.",
    order_number="KK-7F3Q-20",
    placed_at=datetime(2026, 11, 22, 13, 30, 12, tzinfo=UTC),
    lines=(Line("Carnet relié, lac", 1, 2_900, NORMAL, "KK-CAR-01"),),
    vat=(Vat(NORMAL, 2_683, 217),),
    total=2_900,
    method="card",
    provider="Stripe",
    reference="re_3QK9aB2eZvKYlo2C1abcdeFG",
    details=VISA,
    attestation="AP-2026-000412",
)
BOTH = pytest.mark.parametrize("facts", [FACTS, REFUND], ids=["attestation", "refund notice"])
BOTH_LENGTHS = pytest.mark.parametrize("lines", [1, 13])
LANGUAGES = pytest.mark.parametrize("language", ["fr", "de", "it", "en"])


def with_lines(*lines: Line) -> AttestationFacts:
    """An order of these lines alone, all at the normal rate, delivered free of charge."""
    total = sum(line.total for line in lines)
    return replace(FACTS, lines=lines, shipping=Shipping("Offerte", 0), vat=(Vat(NORMAL, total, 0),), total=total)


def many_lines(count: int) -> AttestationFacts:
    return with_lines(*(Line(f"Verre à eau n° {n}", 1, 1_000 + n, NORMAL, f"KK-VER-{n}") for n in range(count)))


def printed(facts: Facts) -> str:
    return " ".join(pages(draw(facts)))


def catalogue(pdf: bytes) -> Any:
    """The PDF's root, which says what the document is."""
    trailer: Any = PdfReader(io.BytesIO(pdf)).trailer
    return trailer["/Root"]


def structure(pdf: bytes) -> Iterator[Any]:
    """Every element of the PDF's structure, in reading order."""
    waiting = [catalogue(pdf)["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop().get_object()
        if isinstance(element, list):
            waiting.extend(reversed(element))
        elif isinstance(element, dict):
            if "/S" in element:
                yield element
            if "/K" in element:
                waiting.append(element["/K"])


# What it says


@pytest.mark.parametrize(
    "words",
    [
        "Attestation de paiement",
        "N° AP-2026-000412",
        "Code 7F3Q-20KX-9M4DX",
        "Émise le 22.11.2026 à 14:32:41 (heure suisse)",
        "CHF 453.00 – payé",
        "Accord de la banque reçu le 22.11.2026 à 14:32:08",
        "TWINT, par Stripe Réf. pi_3QK9aB2eZvKYlo2C0abcdeFG",
        "KOOKUT Sàrl Rue de l’Exemple 1 1200 Genève commandes@kookut.example CHE-123.456.788 TVA",
        "Client Claire Dufour Rue de Carouge 12 1205 Genève",
        "Commande KK-7F3Q-20 Passée le 22.11.2026 à 14:30:12 Livraison d’ici au 26.11.2026",
        "kookut.example/v/ 7F3Q-20KX-9M4DX Initiales du client : C. D. La page doit montrer",
        "Article Qté Prix TVA Total CHF",
        "Huile d’olive, 5 dl KK-HUI-05 3 18.50 2,6 % 55.50",
        "PostPac Priority 1 9.00 au prorata 9.00",
        "Total hors TVA 421.81",
        "TVA 8,1 % sur CHF 367.72 29.78",
        "TVA 2,6 % sur CHF 54.09 1.41",
        "Total, TVA comprise CHF 453.00",
        "Ce document est une preuve de paiement, pas une demande de paiement.",
        "Nous ne conservons aucune donnée bancaire. Ce document tient lieu de facture (art. 26 LTVA).",
        "Une question ? Écrivez à commandes@kookut.example en indiquant la commande KK-7F3Q-20.",
        "KOOKUT Sàrl · Rue de l’Exemple 1 · 1200 Genève · CHE-123.456.788 TVA",
        "AP-2026-000412 · page 1 sur 1",
    ],
)
def test_it_states_in_french(words: str) -> None:
    assert words in printed(FACTS)


def test_it_speaks_the_language_of_the_order() -> None:
    text = printed(replace(FACTS, language="en"))
    assert "Proof of payment" in text
    assert "CHF 453.00 – paid" in text
    assert "VAT 8.1% on CHF 367.72 29.78" in text
    assert "Bank’s approval received on 22.11.2026 at 14:32:08" in text


@pytest.mark.parametrize(
    ("method", "provider", "words"),
    [
        ("card", "Stripe", "Card, via Stripe"),
        ("twint", "Stripe", "TWINT, via Stripe"),
        ("paypal", "PayPal", "PayPal Ref."),
    ],
)
def test_it_names_the_means_of_payment(method: Method, provider: str, words: str) -> None:
    assert words in printed(replace(FACTS, language="en", method=method, provider=provider))


def test_the_printed_parts_add_up_to_the_total() -> None:
    sums = re.search(r"Total hors TVA (\S+) TVA .*? CHF \S+ (\S+) TVA .*? CHF \S+ (\S+) Total, ", printed(FACTS))
    assert sums is not None
    assert sum(Decimal(amount) for amount in sums.groups()) == Decimal("453.00")


def test_delivery_has_the_rate_of_the_goods_when_there_is_only_one() -> None:
    assert "Offerte 1 0.00 8,1 % 0.00" in printed(with_lines(GOODS[0]))


def test_a_seller_who_is_not_registered_prints_no_vat_at_all() -> None:
    text = printed(replace(FACTS, seller=replace(SELLER, vat_registered=False), vat=()))
    assert "CHE-123.456.788" in text
    assert "Article Qté Prix Total CHF" in text
    assert "Total CHF 453.00" in text
    assert "TVA" not in text
    assert "%" not in text


def test_a_sale_without_vat_shows_none_though_the_seller_has_been_registered_since() -> None:
    text = printed(replace(FACTS, vat=()))
    assert "CHE-123.456.788 TVA" in text
    assert "Article Qté Prix Total CHF" in text
    assert "Total CHF 453.00" in text
    assert [word for word in ("comprise", "hors TVA", "%", "facture") if word in text] == []


@pytest.mark.parametrize(("language", "suffix"), [("fr", "TVA"), ("de", "MWST"), ("it", "IVA"), ("en", "MWST")])
def test_the_company_number_has_a_suffix_that_the_law_knows(language: str, suffix: str) -> None:
    text = printed(replace(FACTS, language=language))
    assert re.findall(r"CHE-123\.456\.788 (\w+)", text) == [suffix, suffix]


def test_once_they_were_sent_the_day_of_the_goods_is_that_one() -> None:
    sent = printed(replace(FACTS, shipped_at=datetime(2026, 11, 24, 23, 30, tzinfo=UTC)))
    assert "à 14:30:12 Expédiée le 25.11.2026" in sent
    assert "Livraison d’ici" not in sent


def test_thousands_are_set_apart() -> None:
    text = printed(with_lines(Line("Table", 1, 125_050, NORMAL)))
    assert "CHF 1’250.50 – payé" in text
    assert "Table 1 1’250.50 8,1 % 1’250.50" in text


def test_the_delivery_address_is_printed_where_it_differs() -> None:
    assert "Livraison Atelier Dufour SA" in printed(replace(FACTS, delivery_address=WORKSHOP))
    assert "Livraison Atelier Dufour SA" not in printed(FACTS)


@pytest.mark.parametrize(
    ("agreed_at", "words"),
    [
        (datetime(2026, 12, 31, 23, 30, 0, tzinfo=UTC), "01.01.2027 à 00:30:00"),
        (datetime(2026, 7, 1, 10, 0, 0, tzinfo=UTC), "01.07.2026 à 12:00:00"),
    ],
)
def test_times_are_swiss(agreed_at: datetime, words: str) -> None:
    assert words in printed(replace(FACTS, agreed_at=agreed_at))


@pytest.mark.parametrize(
    "change",
    [
        {"total": 45_301},
        {"vat": (Vat(NORMAL, 36_772, 2_978),)},
        {"currency": "EUR"},
        {"agreed_at": datetime(2026, 11, 22, 14, 32, 8)},  # noqa: DTZ001 the missing zone is the point
        {"taken_back": Gone(1, datetime(2026, 11, 22, 14, 32, 8))},  # noqa: DTZ001 here too
        {"seller": replace(SELLER, vat_registered=False)},
        {"vat": (Vat(NORMAL, 41_906, 3_394),)},
    ],
)
def test_facts_that_cannot_be_true_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="AP-2026-000412"):
        replace(FACTS, **change)


@pytest.mark.parametrize("change", [{"currency": "EUR"}, {"currency": "EUR", "vat": ()}, {"attestation": ""}], ids=str)
def test_a_correction_is_in_francs_and_a_refund_of_no_sale_has_no_vat(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="AR-2026-000007"):
        replace(REFUND, **change)


# How it is made


@pytest.mark.parametrize(("lines", "expected"), [(1, 1), (5, 1), (14, 1), (100, 3)])
def test_it_takes_as_many_pages_as_it_needs(lines: int, expected: int) -> None:
    assert len(pages(draw(many_lines(lines)))) == expected


@LANGUAGES
def test_fourteen_lines_stay_on_one_page_with_all_that_may_stand_on_it(language: str) -> None:
    full = replace(
        many_lines(14),
        language=language,
        delivery_address=WORKSHOP,
        method="card",
        details=VISA,
        refunds=(Gone(1_000, REFUND.refunded_at),),
        updated_at=REFUND.refunded_at,
    )
    assert worded(full)["issued"] != worded(many_lines(14))["issued"]
    assert len(pages(draw(full))) == 1


@LANGUAGES
@pytest.mark.parametrize("lines", range(12, 18))
def test_the_last_words_stand_alone_on_no_page(language: str, lines: int) -> None:
    facts = replace(many_lines(lines), language=language, delivery_address=WORKSHOP, details=VISA)
    gone = Gone(facts.total, REFUND.refunded_at)
    everything = replace(facts, refunds=(gone,), updated_at=gone.at)
    for drawn in (pages(draw(facts)), pages(draw(everything))):
        assert format_amount(facts.total) in drawn[-1]
        assert "commandes@kookut.example" in drawn[-1]


def sizes(pdf: bytes) -> list[tuple[str, float]]:
    """The pieces of the first page's text with their size in points."""
    found: list[tuple[str, float]] = []

    def see(text: str, _cm: list[float], tm: list[float], _font: object, size: float) -> None:
        found.append((" ".join(text.split()), round(size * abs(tm[3]), 1)))

    PdfReader(io.BytesIO(pdf)).pages[0].extract_text(visitor_text=see)
    return [one for one in found if one[0]]


@LANGUAGES
def test_the_title_and_what_is_to_be_compared_are_large_enough_to_be_read(language: str) -> None:
    drawn = dict(sizes(draw(replace(FACTS, language=language))))
    titles = ("Attestation de paiement", "Zahlungsbestätigung", "Attestazione di pagamento", "Proof of payment")
    assert [size for text, size in drawn.items() if text in titles] == [20.0]
    strip = [size for text, size in drawn.items() if "kookut.example/v/" in text or "C. D." in text or "nitial" in text]
    assert len(strip) >= 2
    assert min(strip) >= 10.5


@pytest.mark.parametrize("lines", [1, 14])
def test_the_code_itself_is_at_least_25_millimetres_wide(lines: int) -> None:
    dots_a_millimetre = 8.0
    corners = code_on(draw(many_lines(lines)), scale=dots_a_millimetre * 25.4 / 72)
    assert (corners.top_right.x - corners.top_left.x) / dots_a_millimetre >= 25
    assert (corners.bottom_left.y - corners.top_left.y) / dots_a_millimetre >= 25


def test_around_the_code_four_of_its_modules_are_blank() -> None:
    document, scale = draw(FACTS), 8.0
    corners = code_on(document, scale)
    modules = segno.make(scanned(document), error="m", micro=False).symbol_size(border=0)[0]
    zone = int(3.8 * (corners.top_right.x - corners.top_left.x) / modules)
    left, top = corners.top_left.x - zone, corners.top_left.y - zone
    right, bottom = corners.bottom_right.x + zone, corners.bottom_right.y + zone
    shown = picture(document, scale=scale)
    for strip in [
        (left, top, right, corners.top_left.y - 2),
        (left, corners.bottom_left.y + 2, right, bottom),
        (left, top, corners.top_left.x - 2, bottom),
        (corners.top_right.x + 2, top, right, bottom),
    ]:
        assert shown.crop(strip).getextrema()[0] == 255


@pytest.mark.parametrize(
    ("refunds", "tone"), [((), "paid"), ((1_000,), "paid"), ((45_300,), "refunded"), ((45_000, 300), "refunded")]
)
def test_its_colour_is_that_of_what_stays_paid(refunds: tuple[int, ...], tone: str) -> None:
    gone = tuple(Gone(amount, REFUND.refunded_at) for amount in refunds)
    assert worded(replace(FACTS, refunds=gone))["tone"] == tone


@pytest.mark.parametrize("count", [6, 20, 60, 150])
@BOTH_LENGTHS
def test_however_much_went_back_all_of_it_is_on_the_sheets(lines: int, count: int) -> None:
    refunds = tuple(Gone(n, REFUND.refunded_at) for n in range(1, count + 1))
    pdf = draw(replace(many_lines(lines), refunds=refunds, taken_back=Gone(300, REFUND.refunded_at)))
    text = " ".join(pages(pdf))
    assert [text.count(f"−CHF 0.{n:02d} ") for n in range(1, min(count, 99) + 1)] == [1] * min(count, 99)
    assert text.count("−CHF 3.00 Reste payé") == 1
    for page in range(len(pages(pdf))):
        grey = picture(pdf, page)
        width, height = grey.size
        millimetre = height / 297
        # Between the text and the footer, and below the footer.
        for top, bottom in ((274, 281), (287, 297)):
            strip = grey.crop((0, round(top * millimetre), width, round(bottom * millimetre)))
            assert sum(strip.histogram()[:255]) == 0, (page, top)


def test_a_long_table_repeats_its_header_and_ends_with_the_total() -> None:
    sheets = pages(draw(many_lines(100)))
    assert all("Article Qté Prix TVA Total CHF" in sheet for sheet in sheets)
    assert [sheet.count("Total, TVA comprise") for sheet in sheets] == [0, 0, 1]
    assert [f"page {n} sur 3" in sheet for n, sheet in enumerate(sheets, start=1)] == [True] * 3
    found = re.findall(r"Verre à eau n° (\d+) KK-VER", " ".join(sheets))
    assert [int(n) for n in found] == list(range(100))


@BOTH
def test_the_same_facts_give_the_same_bytes(facts: Facts) -> None:
    first = draw(facts)
    other = draw(many_lines(3))
    assert draw(facts) == first != other


def test_two_threads_at_once_draw_what_each_was_given() -> None:
    orders = [replace(FACTS, number=f"AP-2026-{n:06}", billing_address=(f"Client {n}",)) for n in range(16)]
    expected = [draw(facts) for facts in orders]
    both_ready = Barrier(2, timeout=30)

    def draw_together(part: list[AttestationFacts]) -> list[bytes]:
        both_ready.wait()
        return [draw(facts) for facts in part]

    with ThreadPoolExecutor(2) as threads:
        halves = threads.map(draw_together, [orders[:8], orders[8:]])
    assert [pdf for half in halves for pdf in half] == expected


@BOTH
@LANGUAGES
def test_it_declares_pdf_a_and_pdf_ua(facts: Facts, language: str) -> None:
    root = catalogue(draw(replace(facts, language=language)))
    described = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in described
    assert "<pdfuaid:part>1</pdfuaid:part>" in described
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("fr", ("Attestation de paiement", "Avis de remboursement")),
        ("de", ("Zahlungsbestätigung", "Rückerstattungsbeleg")),
        ("it", ("Attestazione di pagamento", "Avviso di rimborso")),
        ("en", ("Proof of payment", "Refund notice")),
    ],
)
def test_it_names_its_language_and_its_title(language: str, titles: tuple[str, str]) -> None:
    for facts, title in zip((FACTS, REFUND), titles, strict=True):
        pdf = draw(replace(facts, language=language))
        root, properties = catalogue(pdf), PdfReader(io.BytesIO(pdf)).metadata
        assert root["/Lang"] == f"{language}-CH"
        assert properties is not None
        assert properties.title == f"{title} {facts.number}"
        assert f">{title} {facts.number}<" in root["/Metadata"].get_data().decode()


@BOTH
def test_its_properties_hold_the_time_of_issue_and_the_seller_but_no_customer(facts: Facts) -> None:
    properties = PdfReader(io.BytesIO(draw(facts))).metadata
    assert properties is not None
    assert properties.creation_date == facts.issued_at
    assert properties.author == facts.seller.name
    assert not {"Dufour", "kookut.example"} & set(re.findall(r"[\w.]+", " ".join(map(str, properties.values()))))


@BOTH
@LANGUAGES
def test_headings_and_table_headers_are_tagged(facts: Facts, language: str) -> None:
    elements = list(structure(draw(replace(facts, language=language))))
    tags = [element["/S"] for element in elements]
    assert [tag for tag in tags if re.fullmatch(r"/H\d", tag)] == ["/H1", "/H2", "/H2"]
    assert tags.count("/THead") == tags.count("/TBody") == 1
    headers = [element for element in elements if element["/S"] == "/TH"]
    assert len(headers) == 5
    assert all(attributes["/Scope"] == "/Column" for header in headers for attributes in header["/A"][:1])
    delivery = isinstance(facts, AttestationFacts)
    assert tags.count("/TD") == 5 * (len(facts.lines) + delivery)


@BOTH
@LANGUAGES
def test_who_hears_the_paper_hears_where_the_qr_code_leads(facts: Facts, language: str) -> None:
    (figure,) = [one for one in structure(draw(replace(facts, language=language))) if one["/S"] == "/Figure"]
    assert "QR" in figure["/Alt"]
    assert "kookut.example/v/7F3Q-20KX-9M4DX" in figure["/Alt"]


@pytest.mark.parametrize("lines", [1, 9, 100])
@LANGUAGES
def test_a_telephone_reads_the_code_off_the_paper(lines: int, language: str) -> None:
    pdf = draw(replace(many_lines(lines), language=language))
    assert scanned(pdf, page=-1) == FACTS.verify_url


@BOTH
def test_the_parts_are_read_in_the_order_in_which_they_stand(facts: Facts) -> None:
    text = " ".join(pages(draw(facts)))
    places = [
        text.index(words)
        for words in (facts.number, "CHF", "Réf.", "Client", "Article", "Vérifier", "Total hors TVA", "Ce document est")
    ]
    assert places == sorted(places)


@BOTH
def test_all_fonts_are_embedded_and_are_the_shops_own(facts: Facts) -> None:
    greek = replace(facts, billing_address=("Ελένη Παπαδοπούλου",))
    fonts = catalogue(draw(greek))["/Pages"]["/Kids"][0]["/Resources"]["/Font"].values()
    families = set()
    for font in fonts:
        descendant = font["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in descendant["/FontDescriptor"]
        families.add(font["/BaseFont"].split("+")[1].split("-")[0])
    assert families == {"HankenGrotesk", "NotoSans"}


def test_typst_can_reach_nothing_but_the_template_and_the_fonts() -> None:
    assert {path.suffix for path in SHEET.rglob("*") if path.is_file()} == {".typ", ".ttf", ".txt", ""}
    assert {path.name for path in SHEET.iterdir()} == {"paper.typ", "slip.typ", "fonts"}


LIGHT_ENOUGH = 4.5
"""Contrast of words to what is behind them (WCAG 2.2, 1.4.3)."""


def luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("words", "behind"),
    [
        ("1A1D1F", "E6F3EA"),
        ("1B6637", "E6F3EA"),
        ("1A1D1F", "E3F0F1"),
        ("155E63", "E3F0F1"),
        ("1A1D1F", "FFFFFF"),
        ("565B5F", "FFFFFF"),
    ],
)
def test_words_stand_out_in_grey_too(words: str, behind: str) -> None:
    sheet = (SHEET / "paper.typ").read_text()
    assert f'rgb("#{words}")' in sheet
    assert behind == "FFFFFF" or f'rgb("#{behind}")' in sheet
    # Luminance is what a grey printer prints: the same figure holds for colour and for grey.
    assert contrast(words, behind) >= LIGHT_ENOUGH


@BOTH
def test_nothing_is_printed_over_the_margins(facts: Facts) -> None:
    """What stands nearer than 12 mm to the edge, many a printer leaves out."""
    long = replace(facts, language="de", billing_address=(LONG_WORD, "Rue " + "très " * 30), reference=LONG_WORD)
    grey = picture(draw(long))
    edge = round(12 / 25.4 * 100)
    width, height = grey.size
    assert sum(grey.crop((edge, edge, width - edge, height - edge)).histogram()[:64]) > 0
    for strip in ((0, 0, edge, height), (width - edge, 0, width, height), (0, 0, width, edge)):
        assert sum(grey.crop(strip).histogram()[:255]) == 0


def test_the_sheet_has_no_colour_that_was_not_looked_at() -> None:
    colours = set(re.findall(r'rgb\("#(\w+)"\)', (SHEET / "paper.typ").read_text()))
    lines_and_dot = {"DDD9D0", "D5232B"}
    assert colours == {"1A1D1F", "565B5F", "1B6637", "E6F3EA", "155E63", "E3F0F1"} | lines_and_dot


# The refund notice


@pytest.mark.parametrize(
    "words",
    [
        "Avis de remboursement N° AR-2026-000007 Code 7F3Q-20KX-9M4DX",
        "Émis le 25.11.2026 à 10:00:01 (heure suisse)",
        "CHF 29.00 – remboursé Remboursement confirmé le 25.11.2026 à 10:00:00",
        "Carte, par Stripe Visa •••• 4242 · Apple Pay Réf. re_3QK9aB2eZvKYlo2C1abcdeFG",
        "Commande KK-7F3Q-20 Passée le 22.11.2026 à 14:30:12",
        "Carnet relié, lac KK-CAR-01 1 29.00 8,1 % 29.00",
        "Total hors TVA 26.83 TVA 8,1 % sur CHF 26.83 2.17 Total remboursé CHF 29.00",
        "Ce document est une preuve de remboursement. Vous n’avez rien à payer.",
        "Il corrige l’attestation AP-2026-000412. Nous ne conservons aucune donnée bancaire.",
        "KOOKUT Sàrl · Rue de l’Exemple 1 · 1200 Genève · CHE-123.456.788 TVA AR-2026-000007 · page 1 sur 1",
    ],
)
def test_a_refund_notice_states_in_french(words: str) -> None:
    assert words in printed(REFUND)


def test_what_went_back_since_stands_under_the_total_with_what_stays_paid() -> None:
    refunds = (Gone(2_900, REFUND.refunded_at), Gone(6_250, datetime(2026, 12, 5, 9, tzinfo=UTC)))
    assert (
        "Total, TVA comprise CHF 453.00 Remboursé le 25.11.2026 à 10:00:00 −CHF 29.00 "
        "Remboursé le 05.12.2026 à 10:00:00 −CHF 62.50 Reste payé CHF 361.50"
    ) in printed(replace(FACTS, refunds=refunds))


@pytest.mark.parametrize(
    ("language", "verdict"),
    [
        ("fr", "payé, puis remboursé"),
        ("de", "bezahlt, später zurückgegeben"),
        ("it", "pagato, poi restituito"),
        ("en", "paid, then returned"),
    ],
)
def test_a_payment_of_which_nothing_is_left_is_not_simply_called_paid(language: str, verdict: str) -> None:
    at = datetime(2026, 12, 5, 9, 0, tzinfo=UTC)
    gone = replace(FACTS, language=language, refunds=(Gone(6_250, at), Gone(39_050, at)))
    assert f"CHF 453.00 – {verdict}" in printed(gone)
    assert verdict not in printed(replace(gone, refunds=gone.refunds[:1]))
    assert verdict in printed(replace(gone, refunds=(), taken_back=Gone(45_300, at)))


def test_what_the_bank_took_back_stays_paid_no_more() -> None:
    at = datetime(2026, 12, 5, 9, 0, tzinfo=UTC)
    told = "Repris par la banque du payeur après contestation (annoncé le 05.12.2026 à 10:00:00)"
    went = replace(FACTS, refunds=(Gone(2_900, REFUND.refunded_at),), taken_back=Gone(42_000, at))
    assert f"−CHF 29.00 {told} −CHF 420.00 Reste payé CHF 4.00" in printed(went)
    lost = printed(replace(FACTS, taken_back=Gone(45_300, at)))
    assert f"{told} −CHF 453.00 Reste payé CHF 0.00" in lost


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "(heure suisse). Mise à jour le 05.12.2026 à 10:00:00."),
        ("de", "(Schweizer Zeit). Nachgeführt am 05.12.2026, 10:00:00."),
        ("it", "(ora svizzera). Aggiornata il 05.12.2026 alle 10:00:00."),
        ("en", "(Swiss time). Updated on 05.12.2026 at 10:00:00."),
    ],
)
def test_two_prints_of_one_number_are_told_apart(language: str, words: str) -> None:
    facts = replace(FACTS, language=language)
    assert words in printed(replace(facts, updated_at=datetime(2026, 12, 5, 9, 0, tzinfo=UTC)))
    issued = words.partition(".")[0]
    assert issued in printed(facts)
    assert f"{issued}." not in printed(facts)


def test_money_of_another_currency_goes_back_in_it() -> None:
    surplus = replace(REFUND, currency="EUR", attestation="", vat=())
    text = printed(surplus)
    assert "EUR 29.00 – remboursé" in text
    assert "Article Qté Prix Total EUR" in text
    assert "Total remboursé EUR 29.00" in text
    assert "CHF" not in text
    assert embedded_facts(draw(surplus))["currency"] == "EUR"


def test_where_the_psp_shows_nothing_any_more_a_line_says_so() -> None:
    told = printed(replace(FACTS, details=NoDetails.NOT_SHOWN))
    assert "TWINT, par Stripe Stripe ne montre plus de détail. Réf." in told


def test_without_an_answer_of_the_psp_a_line_says_so() -> None:
    assert "TWINT, par Stripe Sans détail : Stripe n’a pas répondu. Réf." in printed(
        replace(FACTS, details=NoDetails.SILENT)
    )


# For machines


@BOTH
def test_its_facts_are_attached_for_machines(facts: Facts) -> None:
    root = catalogue(draw(facts))
    (attached,) = [file.get_object() for file in root["/AF"]]
    assert attached["/UF"] == attached["/F"] == "facts.json"
    assert attached["/AFRelationship"] == "/Data"
    assert attached["/EF"]["/F"]["/Subtype"] == "/application/json"
    assert attached["/Desc"]


@LANGUAGES
@pytest.mark.parametrize("registered", [True, False], ids=["registered", "not registered"])
@BOTH
def test_they_are_as_the_schema_says(facts: Facts, registered: bool, language: str) -> None:
    change: dict[str, Any] = {} if registered else {"seller": replace(SELLER, vat_registered=False), "vat": ()}
    told = embedded_facts(draw(replace(facts, language=language, **change)))
    assert (told["number"], told["total"], told["code"]) == (facts.number, facts.total, facts.code)
    assert bool(told["vat"]) == registered
    assert all(("vat_rate" in line) == registered for line in told["lines"])
    lines = sum(line["total"] for line in told["lines"]) + told.get("shipping", {"price": 0})["price"]
    assert lines == told["total"]


def test_they_tell_the_whole_attestation() -> None:
    at = datetime(2026, 12, 5, 9, 0, tzinfo=UTC)
    went = replace(
        FACTS, refunds=(Gone(2_900, REFUND.refunded_at),), taken_back=Gone(100, at), delivery_address=WORKSHOP
    )
    told = embedded_facts(draw(replace(went, lines=(replace(GOODS[0], refunded=1), *GOODS[1:]))))
    assert told["document"] == "attestation"
    assert told["lines"][0]["refunded"] == 1
    assert told["agreed_at"] == "2026-11-22T13:32:08+00:00"
    assert told["customer"] == list(CLAIRE)
    assert told["lines"][2] == {
        "sku": "KK-HUI-05",
        "name": "Huile d’olive, 5 dl",
        "quantity": 3,
        "unit_price": 1850,
        "total": 5550,
        "vat_rate": "2.6",
    }
    assert told["vat"] == [
        {"rate": "8.1", "base": 36772, "tax": 2978},
        {"rate": "2.6", "base": 5409, "tax": 141},
    ]
    assert told["refunds"] == [{"amount": 2900, "at": "2026-11-25T09:00:00+00:00"}]
    assert told["taken_back"] == 100
    assert told["taken_back_at"] == "2026-12-05T09:00:00+00:00"
    assert "taken_back_at" not in embedded_facts(draw(FACTS))
    assert told["delivery"] == {"address": list(WORKSHOP), "by": "2026-11-26"}
    sent = embedded_facts(draw(replace(went, shipped_at=REFUND.refunded_at)))
    assert sent["delivery"]["shipped_at"] == "2026-11-25T09:00:00+00:00"


def test_they_tell_the_whole_refund_notice() -> None:
    told = embedded_facts(draw(REFUND))
    assert told["document"] == "refund notice"
    assert told["refunded_at"] == "2026-11-25T09:00:00+00:00"
    assert told["attestation"] == "AP-2026-000412"
    assert told["payment"] == {"method": "card", "provider": "Stripe", "reference": REFUND.reference}


@BOTH
def test_they_do_not_tell_the_means_of_payment(facts: Facts) -> None:
    told = str(embedded_facts(draw(replace(facts, method="card", details=VISA))))
    assert [word for word in ("4242", "visa", "apple", "T9K2QX") if word in told.lower()] == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("Zoé 🙂 日本 אבג", "Zoé 🙂 日本 אבג"),
        ('"}], <script>#panic("x")', '"}], <script>#panic("x")'),
        ("A\x00B\x1b[31m\r\nC", "AB[31mC"),
        ("A\ud800B", "A�B"),
        ("CHF \u202e00.1\u202c \u2066x\u2069", "CHF 00.1 x"),
        ("👩\u200d🍳", "👩\u200d🍳"),
    ],
)
def test_what_people_typed_is_told_as_text(typed: str, told: str) -> None:
    facts = replace(FACTS, billing_address=(typed,), lines=(replace(GOODS[0], name=typed, sku=typed), *GOODS[1:]))
    found = embedded_facts(draw(facts))
    assert found["customer"] == [told]
    assert (found["lines"][0]["name"], found["lines"][0]["sku"]) == (told, told)


# What customers may write

LONG_WORD = "Donaudampfschifffahrtsgesellschaft" * 3
LITERAL = [
    "Ελένη Παπαδοπούλου-Žižek",
    "Наталья Ґжегожевська",
    "Nguyễn Thị Ngọc Ánh",
    "O’Neil « Chez Zoé » & fils <b>SA</b>",
    '#panic("x") #read("/etc/passwd") #import "@preview/x:0.1.0"',
    "$x^2$ *b* _i_ `c` = h - l + e / t @ref <label> \\ // rem /* rem */ [z] {y}",
    "'seul' \"double\" -- --- ... ~ https://exemple.ch",
    '{"total": 1}',
    "%(number)s {page} {0} %s",
    "→ ≤ √",
]


@pytest.mark.parametrize("text", LITERAL)
def test_a_text_is_printed_as_it_was_written(text: str) -> None:
    assert text in printed(replace(FACTS, billing_address=(text, "Genève")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("日本 Kenji", "�� Kenji"),
        ("Zoé 🙂", "Zoé �"),
        ("אבג Levi", "��� Levi"),
        ("A\x00B\x1b[31mC", "AB[31mC"),
        ("A\ud800B", "A�B"),
        ("A\ue000B", "A�B"),
        ("CHF \u202e00.1\u202c", "CHF 00.1"),
        ("\u2066Zoé\u2069\u200d\ufeff", "Zoé"),
        ("deux\nlignes\r\n\tici", "deux lignes ici"),
        ("Zoe\u0301", "Zoé"),
    ],
)
def test_what_cannot_be_printed_is_cleanly_replaced(text: str, expected: str) -> None:
    assert f"Client [{expected}] Genève" in printed(replace(FACTS, billing_address=(f"[{text}]", "Genève")))


def test_marks_piled_on_a_letter_cannot_paint_over_the_sheet() -> None:
    assert printable("Z" + "\u0336" * 200 + "oé") == "Z" + "\u0336" * 3 + "oé"


@pytest.mark.parametrize(
    "change",
    [
        lambda word: {"billing_address": (word,)},
        lambda word: {"delivery_address": (word,)},
        lambda word: {"reference": word},
        lambda word: {"lines": (replace(GOODS[0], name=word), *GOODS[1:])},
        lambda word: {"seller": replace(SELLER, email=word)},
    ],
)
def test_a_word_longer_than_its_place_is_broken(change: Callable[[str], dict[str, Any]]) -> None:
    pdf = draw(replace(FACTS, **change(LONG_WORD)))
    text = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert LONG_WORD not in text
    assert LONG_WORD in re.sub(r"\s", "", text)


any_text = st.text(st.characters(exclude_categories=()), max_size=200)


@BOTH
@settings(deadline=None, max_examples=40)
@given(
    name=any_text,
    address=st.lists(any_text, max_size=5),
    article=any_text,
    sku=any_text,
    reference=any_text,
    shown=st.builds(PaymentDetails, any_text, any_text, any_text, any_text, any_text),
)
def test_no_text_keeps_the_paper_from_being_drawn(
    facts: Facts, name: str, address: list[str], article: str, sku: str, reference: str, shown: PaymentDetails
) -> None:
    hostile = replace(
        facts,
        billing_address=(name, *address),
        lines=(replace(facts.lines[0], name=article, sku=sku), *facts.lines[1:]),
        reference=reference,
        details=shown,
    )
    assert embedded_facts(draw(hostile))["number"] == facts.number
