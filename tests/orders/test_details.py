"""The form in which customers say who they are and where the goods go."""

import re
import time
import unicodedata
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from orders import hints
from orders.details import details_of
from orders.forms import DetailsForm
from orders.models import Product, ShippingMethod
from tests.orders.steps import BUREAU, CLAIRE, add, give_details, page, said
from tests.shop import delivery, goods

pytestmark = pytest.mark.django_db

TEXTS = ["delivery_name", "delivery_street", "delivery_extra", "delivery_town"]
CARDS = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "4242.4242.4242.4242",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "Claire 4242 4242 4242 4242 12/30",
    "12 4242 4242 4242 4242",
    "４２４２４２４２４２４２４２４２",
]
INVISIBLE = [
    "Claire\x00Dufour",
    "Claire\nDufour",
    "Claire\r\nBcc: x@y.ch",
    "Claire\x1b[31m",
    "Claire\u202eruofuD",
    "Claire\u2066Dufour",
    "Claire\u200bDufour",
    "Claire\u2028Dufour",
    "Claire\ufeff",
    "Claire\ue000",
    "Z" + "\u0300" * 90,
]


@pytest.fixture(autouse=True)
def bowl(client: Client) -> Product:
    delivery()
    product = goods()
    add(client, product)
    return product


def refusal(client: Client, sentence: str, **changes: str) -> str:
    """Post a wrong form; the sentence stands in the summary and at the field, and the title begins with Error."""
    response = give_details(client, **changes)
    shown = page(response)
    assert response.status_code == 422
    assert shown.count(said(sentence)) == 2, sentence
    assert f"<title>{said('Error:')} " in shown
    assert 'role="alert" tabindex="-1" autofocus' in shown
    return shown


def kept(client: Client) -> Any:
    return details_of(client.session)


def test_complete_details_lead_to_the_payment(client: Client) -> None:
    response = give_details(client)
    assert response.status_code == 303
    assert response["Location"] == "/paiement/"
    assert kept(client).delivery_address == ["Claire Dufour", "Rue de Carouge 12", "1205 Genève"]
    assert kept(client).billing_address == kept(client).delivery_address


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("email", "", "Type your e-mail address"),
        ("email", "claire", "Type a complete e-mail address, for example name@example.ch"),
        ("email", "claire@localhost", "Type a complete e-mail address, for example name@example.ch"),
        ("email", "claire@exemple.ch, x@y.ch", "Type a complete e-mail address, for example name@example.ch"),
        ("delivery_name", "", "Type your first name and surname"),
        ("delivery_name", " \t\u00a0 ", "Type your first name and surname"),
        ("delivery_name", "...", "Type your first name and surname"),
        ("delivery_street", "", "Type the street and number"),
        ("delivery_postcode", "", "Type the postcode"),
        ("delivery_postcode", "120", "Type a postcode of four digits, for example 1204"),
        ("delivery_postcode", "0999", "Type a postcode of four digits, for example 1204"),
        ("delivery_postcode", "12045", "Type a postcode of four digits, for example 1204"),
        ("delivery_postcode", "١٢٠٤", "Type a postcode of four digits, for example 1204"),
        ("delivery_postcode", "F-75001", "Type a postcode of four digits, for example 1204"),
        ("delivery_town", "", "Type the town"),
        ("delivery_country", "", "Choose Switzerland or Liechtenstein"),
        ("delivery_country", "FR", "Choose Switzerland or Liechtenstein"),
        ("phone", "079 123", "Type a complete number, for example 079 123 45 67, or leave it empty"),
        ("phone", "non", "Type a complete number, for example 079 123 45 67, or leave it empty"),
    ],
)
def test_each_mistake_has_its_own_sentence(client: Client, field: str, typed: str, sentence: str) -> None:
    shown = refusal(client, sentence, **{field: typed})
    assert f'href="#id_{field}"' in shown
    assert f'id="id_{field}_error"' in shown
    assert re.search(rf'id="id_{field}"[^>]*aria-invalid="true"|aria-invalid="true"[^>]*id="id_{field}"', shown)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("1204", "1204"), ("CH-1204", "1204"), (" 12 04 ", "1204"), ("ch 1204", "1204")],
)
def test_postcodes_are_taken_as_people_write_them(client: Client, typed: str, stored: str) -> None:
    assert give_details(client, delivery_postcode=typed).status_code == 303
    assert kept(client).delivery_postcode == stored


@pytest.mark.parametrize(
    "name",
    [
        "O’Neill-Müller",
        "O'Neill",
        "Žižek",
        "Ναταλία Παπαδοπούλου",
        "李小龍",
        "محمد",
        "Дмитрий",
        "J.P. Li",
        "X",
        "N" * 100,
    ],
)
def test_names_of_any_script_are_names(client: Client, name: str) -> None:
    assert give_details(client, delivery_name=name).status_code == 303
    assert kept(client).delivery_name == name


def test_decomposed_letters_are_composed_and_spaces_tidied(client: Client) -> None:
    give_details(client, delivery_name=unicodedata.normalize("NFD", "  José\u00a0 Müller\t"))
    assert kept(client).delivery_name == "José Müller"


@pytest.mark.parametrize("field", TEXTS)
def test_a_text_of_more_than_a_hundred_characters_is_refused(client: Client, field: str) -> None:
    with_limit = said("Shorten the text to %(longest)s characters", longest=100)
    response = give_details(client, **{field: "N" * 101})
    assert response.status_code == 422
    assert with_limit in page(response)


@pytest.mark.parametrize(
    ("field", "typed"),
    [*[("delivery_name", typed) for typed in INVISIBLE], *[(field, INVISIBLE[0]) for field in TEXTS[1:]]],
)
def test_what_nobody_can_see_is_refused_and_not_kept(client: Client, field: str, typed: str) -> None:
    sentence = "There is an invisible or unreadable character in it. Type the text anew, without pasting."
    refusal(client, sentence, **{field: typed})
    assert client.session["details"].get(field) is None


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        *[("delivery_extra", typed) for typed in CARDS],
        *[(field, CARDS[0]) for field in [*TEXTS[:2], "delivery_town", "email", "phone", "delivery_postcode"]],
    ],
)
def test_a_card_number_is_refused_and_rests_nowhere(client: Client, field: str, typed: str) -> None:
    sentence = "This looks like a card number. Never type it here: only the payment page asks for it."
    refusal(client, sentence, **{field: typed})
    assert typed not in str(dict(client.session.items()))


def test_a_card_number_in_the_folded_billing_address_is_not_kept_either(client: Client) -> None:
    give_details(client, billing_name=CARDS[0])
    assert CARDS[0] not in str(dict(client.session.items()))


ENDLESS = ["N" * 1001, "Z" + "\u0300" * 50_000 + "\u0316" * 50_000, "4" * 250_000, "1." * 100_000, "a@" * 100_000]


@pytest.mark.parametrize("typed", ENDLESS, ids=lambda typed: f"{typed[:2]}…{len(typed)}")
@pytest.mark.parametrize("field", ["email", "phone", "delivery_postcode", *TEXTS])
def test_an_endless_text_costs_no_time_and_is_not_kept(client: Client, field: str, typed: str) -> None:
    began = time.process_time()
    response = give_details(client, **{field: typed})
    assert time.process_time() - began < 1
    assert response.status_code == 422
    assert field not in client.session["details"]
    assert client.session["details"]["delivery_country"] == "CH"


@pytest.mark.parametrize(
    "phone",
    [
        "079 123 45 67",
        "0791234567",
        "+41 79 123 45 67",
        "+41 (0)79 123 45 67",
        "0041791234567",
        "+4915123456789",
        "0049 151 2345 6789",
        "+423 237 44 00",
        "022/345.67.89",
    ],
)
def test_phone_numbers_are_phone_numbers(client: Client, phone: str) -> None:
    assert give_details(client, phone=phone).status_code == 303
    assert kept(client).phone == phone


@settings(deadline=None)  # a busy machine is no fault of the form
@given(st.integers(10**9, 10**15 - 1))
def test_no_number_with_its_country_code_looks_like_a_card(number: int) -> None:
    for typed in (f"+{number}", f"00{number}"):
        form = DetailsForm(CLAIRE | {"phone": typed})
        assert "card_number" not in [error.code for error in form.errors.as_data().get("phone", [])]


@pytest.mark.parametrize(
    "name", ["Gagnez sur http://x.example", "www.gain.ch", "Gagnez: gain.com", "voir gain.xyz/a", "claire@exemple.ch"]
)
def test_a_name_carries_no_web_address(client: Client, name: str) -> None:
    refusal(client, "Type the name without a web or e-mail address.", delivery_name=name)


def test_another_billing_address_is_asked_for_when_the_box_is_ticked(client: Client) -> None:
    shown = refusal(
        client,
        "Type the street and number",
        other_billing="on",
        billing_name="X",
        billing_postcode="1211",
        billing_town="Y",
        billing_country="CH",
    )
    assert re.search(r'name="other_billing"[^>]* checked', shown)
    assert give_details(client, **BUREAU).status_code == 303
    assert kept(client).billing_address == [
        "Bureau du Lac SA",
        "Claire Dufour",
        "Quai du Mont-Blanc 1",
        "Case postale 20",
        "1211 Genève",
    ]


def test_a_company_that_gets_the_goods_stands_first_in_the_address_and_its_field_stays_out_of_the_way(
    client: Client,
) -> None:
    folded = re.compile(r'<details class="asks"( open)?>\s*<summary>' + said("Deliver to a company"))
    empty = folded.search(page(client.get("/coordonnees/")))
    assert empty and not empty[1]
    assert give_details(client, delivery_organisation="Bureau du Lac SA").status_code == 303
    filled = folded.search(page(client.get("/coordonnees/")))
    assert filled and filled[1]
    assert kept(client).delivery_address[:2] == ["Bureau du Lac SA", "Claire Dufour"]
    assert kept(client).billing_address == kept(client).delivery_address


def test_the_list_of_errors_of_two_addresses_says_of_which_they_are(client: Client) -> None:
    shown = page(give_details(client, **BUREAU | {"delivery_town": "", "billing_town": ""}))
    town = said("Type the town")
    for address in ("Delivery address", "Billing address"):
        assert shown.count(said("%(label)s: %(value)s", label=said(address), value=town)) == 1, "in the list alone"
    assert shown.count(f"</span>{town}</span>") == 2, "beside each field, whose heading says it"
    assert f'">{town}</a>' in page(give_details(client, delivery_town="")), "of one address alone it is clear"


def test_a_billing_address_counts_only_while_the_box_is_ticked(client: Client) -> None:
    give_details(client, **{**BUREAU, "other_billing": ""})
    assert not kept(client).has_billing_address


def test_nothing_typed_is_lost_on_an_error_or_in_another_language(client: Client) -> None:
    typed = {"email": "claire@", "delivery_street": "Rue <b>de</b> Carouge", "delivery_postcode": "12", **BUREAU}
    shown = [
        page(give_details(client, **typed)),
        page(client.get("/coordonnees/")),
        page(client.get("/en/coordonnees/")),
    ]
    for text in shown:
        for value in ["claire@", "Rue &lt;b&gt;de&lt;/b&gt; Carouge", "12", "Claire Dufour", "Bureau du Lac SA"]:
            assert f'value="{value}"' in text
        assert re.search(r'name="other_billing"[^>]* checked', text)


def test_fields_that_nobody_asked_for_are_ignored(client: Client) -> None:
    give_details(client, status="effective", total="1", is_staff="1", delivery_by="2026-01-01")
    assert set(client.session["details"]) == set(DetailsForm.base_fields)
    assert set(vars(kept(client))) == set(DetailsForm.base_fields) - {"other_billing"}


def test_the_form_has_eight_fields_each_with_its_label_and_its_autocomplete_token(client: Client) -> None:
    shown = page(client.get("/coordonnees/"))
    tokens = dict(re.findall(r'name="(\w+)"[^>]*? autocomplete="([^"]+)"', shown))
    assert {name: token for name, token in tokens.items() if not name.startswith("billing")} == {
        "email": "email",
        "delivery_name": "shipping name",
        "delivery_organisation": "shipping organization",
        "delivery_street": "shipping address-line1",
        "delivery_extra": "shipping address-line2",
        "delivery_postcode": "shipping postal-code",
        "delivery_town": "shipping address-level2",
        "delivery_country": "shipping country",
        "phone": "tel",
    }
    assert tokens["billing_organisation"] == "billing organization"
    for name in DetailsForm.base_fields:
        assert f'<label for="id_{name}">' in shown
    assert "placeholder" not in shown
    assert " required" not in re.sub(r"<p.*?</p>", "", shown)
    assert re.search(r"<form[^>]* novalidate", shown)
    assert 'type="password"' not in shown
    assert " disabled" not in shown


def test_a_slip_in_the_mail_domain_is_told_and_refused_by_nobody(client: Client) -> None:
    assert give_details(client, email="claire@gmial.com").status_code == 303
    assert said("Did you mean %(domain)s?", domain="gmail.com") in page(client.get("/coordonnees/"))
    give_details(client, email="claire@gmail.com")
    assert "gmail.com?" not in page(client.get("/coordonnees/")).replace("\u00a0", "")


def test_a_real_mail_domain_is_never_questioned() -> None:
    for domain in [*hints.MAIL_DOMAINS, "exemple.ch", "mailbox.org", "kookut.ch", "live.ch"]:
        assert hints.about(f"claire@{domain}", hints.Street("Rue de Carouge 12", "")) == []


@pytest.mark.parametrize("kind", ["delivery", "billing"])
@pytest.mark.parametrize(
    ("postcode", "country", "sentence"),
    [
        ("9485", "CH", "The postcode %(postcode)s is in Liechtenstein. Check the country."),
        ("FL-9498", "CH", "The postcode %(postcode)s is in Liechtenstein. Check the country."),
        ("9484", "LI", "The postcode %(postcode)s is not in Liechtenstein. Check the country."),
        ("9499", "LI", "The postcode %(postcode)s is not in Liechtenstein. Check the country."),
    ],
)
def test_a_postcode_and_a_country_must_fit(
    client: Client, kind: str, postcode: str, country: str, sentence: str
) -> None:
    typed = {f"{kind}_postcode": postcode, f"{kind}_country": country}
    shown = page(give_details(client, **BUREAU | typed))
    error = said(sentence, postcode=postcode[-4:])
    told = said("%(label)s: %(value)s", label=said(f"{kind.capitalize()} address"), value=error)
    assert shown.count(error) == 2
    assert f'<a href="#id_{kind}_country">{told}</a>' in shown
    assert f'<option value="{country}" selected>' in shown
    other = {"CH": "LI", "LI": "CH"}[country]
    assert give_details(client, **BUREAU | typed | {f"{kind}_country": other}).status_code == 303


def test_only_countries_to_which_something_is_delivered_are_offered(client: Client) -> None:
    ShippingMethod.objects.update(countries=["CH"])
    offered = re.findall(r'<option value="(\w\w)"', page(client.get("/coordonnees/")))
    assert offered == ["CH", "CH", "LI"], "the goods go to one, the bill may go to either"
    for elsewhere in ({"delivery_country": "LI"}, {"delivery_postcode": "9490"}):
        assert f'href="#id_delivery_country">{said("We deliver to Switzerland only.")}</a>' in page(
            give_details(client, **elsewhere)
        )
    assert give_details(client, **BUREAU | {"billing_postcode": "9490", "billing_country": "LI"}).status_code == 303


def test_a_billing_address_that_is_not_asked_for_fits_any_country(client: Client) -> None:
    assert give_details(client, billing_postcode="9490", billing_country="CH").status_code == 303


HOUSE_NUMBER = "Is the house number missing?"


def test_a_street_without_a_number_is_asked_about_until_it_was_looked_at(client: Client) -> None:
    assert give_details(client, delivery_street="Rue de Carouge").status_code == 303
    assert said(HOUSE_NUMBER) in page(client.get("/paiement/")), "told, and in nobody's way"
    give_details(client, delivery_street="Rue de Carouge")
    shown = page(client.get("/coordonnees/"))
    assert said(HOUSE_NUMBER) in shown, "a double click has not looked at it"
    assert 'name="hinted" value="1"' in shown
    give_details(client, delivery_street="Rue de Carouge", hinted="1", language="de")
    assert said(HOUSE_NUMBER) in page(client.get("/paiement/")), "nor has who asks for it in another language"

    give_details(client, delivery_street="Rue de Carouge", hinted="1")
    assert said(HOUSE_NUMBER) not in page(client.get("/paiement/"))
    assert said(HOUSE_NUMBER) not in page(client.get("/coordonnees/"))

    give_details(client, delivery_street="Rue Basse", hinted="1")
    assert said(HOUSE_NUMBER) in page(client.get("/paiement/")), "another street, which was not"
    for whole in (
        {"delivery_street": "Rue Basse 3"},
        {"delivery_street": "Le Bourg", "delivery_extra": "Case postale 7"},
    ):
        give_details(client, **whole)
        assert said(HOUSE_NUMBER) not in page(client.get("/paiement/"))
    give_details(client, delivery_street="Rue Basse", delivery_extra="3e étage")
    assert said(HOUSE_NUMBER) in page(client.get("/paiement/")), "a floor is no house"


def test_a_street_without_a_number_is_asked_about_in_the_billing_address_too(client: Client) -> None:
    told = said("Is the house number missing in the billing address?")
    give_details(client, **BUREAU | {"billing_street": "Quai du Mont-Blanc", "billing_extra": "2e étage"})
    assert told in page(client.get("/paiement/"))
    give_details(client, **BUREAU | {"billing_street": "Quai du Mont-Blanc", "billing_extra": "Case postale"})
    assert told not in page(client.get("/paiement/"))


def test_without_a_cart_the_details_lead_back_to_it(client: Client, bowl: Product) -> None:
    client.post("/panier/retirer/", {"product": str(bowl.pk)})
    for response in (client.get("/coordonnees/"), give_details(client)):
        assert response.status_code == 303
        assert response["Location"] == "/panier/"


def test_where_nothing_is_delivered_another_country_can_be_chosen(client: Client) -> None:
    ShippingMethod.objects.update(countries=["CH"])
    give_details(client, delivery_country="LI", delivery_postcode="9490")
    assert client.get("/paiement/")["Location"] == "/panier/"
    assert re.search(r'<a class="button" href="/coordonnees/">', page(client.get("/panier/")))

    shown = client.get("/coordonnees/")
    assert shown.status_code == 200
    assert said("free") not in page(shown)
    assert give_details(client, delivery_country="CH")["Location"] == "/paiement/"
    assert client.get("/paiement/").status_code == 200


def test_without_details_the_payment_leads_back_to_them(client: Client) -> None:
    assert client.get("/paiement/")["Location"] == "/coordonnees/"
    give_details(client, email="")
    assert client.get("/paiement/")["Location"] == "/coordonnees/"


def test_without_a_cart_the_payment_leads_back_to_it(client: Client, bowl: Product) -> None:
    give_details(client)
    client.post("/panier/retirer/", {"product": str(bowl.pk)})
    assert client.get("/paiement/")["Location"] == "/panier/"
