"""Claire at the shop: what she does with her browser, and what she reads there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from django.test import Client
from playwright.sync_api import Error, Page, expect
from pypdf import PdfReader

from orders.models import Product
from tests.sandbox.client import MASTERCARD, THREE_D_SECURE, VISA
from tests.shop import fill_cart
from tests.waiting import until

WAITING = "Nous attendons l’accord de votre banque"
WAITING_FOR_PAYPAL = "Nous attendons l’accord de PayPal"
ACCEPTED = "Merci, votre paiement est accepté"
LATE = "en retard"  # the sandbox's words
FOREVER = "3600"  # seconds: until somebody hurries the messages

DETAILS = {
    "Adresse e-mail": "claire@exemple.ch",
    "Prénom et nom": "Claire Dufour",
    "Rue et numéro": "Rue de Carouge 12",
    "NPA": "1205",
    "Localité": "Genève",
}


@dataclass
class Customer:
    """A visitor of the shop, on a page of her browser."""

    page: Page
    shop: str

    def reloads(self) -> None:
        self._once_attached(self.page.reload)

    def goes_back(self) -> None:
        """The browser's own button."""
        self._once_attached(self.page.go_back)

    def _once_attached(self, navigate: Callable[[], object]) -> None:
        """From one site to another the page gets a new process, and for a moment the browser refuses to navigate."""

        def tried() -> bool:
            try:
                navigate()
            except Error as error:
                if "Not attached to an active page" not in error.message:
                    raise
                return False
            return True

        until(tried, what="the page's new process")

    def puts_into_cart(self, name: str, quantity: int = 1) -> None:
        """From the catalogue through the product's page."""
        self.page.goto(self.shop)
        self.page.get_by_role("link", name=name).click()
        self.page.get_by_label("Quantité").fill(str(quantity))
        self.presses("Ajouter au panier")
        expect(self.page.get_by_role("status")).to_contain_text(name)

    def checks_out(self) -> None:
        self.page.get_by_role("link", name="Voir le panier").click()
        self.reads("Votre panier")
        self.presses("Passer à la caisse")
        self.reads("Coordonnées")

    def gives(self, details: dict[str, str]) -> None:
        """Type into the details form and go on."""
        for label, words in details.items():
            self.page.get_by_label(re.compile(f"^{label}")).first.fill(words)
        self.presses("Continuer vers le paiement")

    def walks_to_review(self, name: str = "Bol", quantity: int = 1) -> None:
        """A cart, an address: all that is needed before the payment."""
        self.puts_into_cart(name, quantity)
        self.checks_out()
        self.gives(DETAILS)
        self.reads("Paiement")

    def comes_to_review(self, name: str = "Bol", quantity: int = 1) -> None:
        """The same, set up the short way: most journeys are about what comes after."""
        client = Client()
        fill_cart(client, Product.objects.get(names__fr__startswith=name), quantity=quantity)
        self._goes_on_from(client, "/paiement/")
        self.reads("Paiement")

    def comes_to_details(self) -> None:
        """With a bowl in the cart, set up the short way, and an address that was never typed."""
        client = Client()
        client.post(f"/articles/{Product.objects.get(names__fr='Bol en grès').slug}/", {"quantity": "1"})
        self._goes_on_from(client, "/coordonnees/")
        self.reads("Coordonnées")

    def _goes_on_from(self, client: Client, path: str) -> None:
        session = client.cookies["session"].value
        self.page.context.add_cookies([{"name": "session", "value": session, "url": self.shop}])
        self.page.goto(self.shop + path)

    def orders(self, method: str, words: str) -> None:
        """Choose a method and press the button, which names the amount and the method."""
        total = self.page.locator(".total .money").inner_text().replace("\u00a0", " ")
        self.chooses(method)
        self.presses(re.compile(rf"^(Commander et payer|Payer) {re.escape(total)} {words}$"))

    def orders_by_card(self) -> None:
        self.comes_to_review()
        self.orders("card", "par carte")

    def chooses(self, method: str) -> None:
        self.page.locator(f"[name=method][value={method}]").check()

    def pays_again(self, method: str) -> None:
        """On the order's page."""
        self.chooses(method)
        self.presses(re.compile("^Payer CHF"))

    def presses(self, button: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=button).click()

    def reads(self, heading: str) -> None:
        """Wait for a page with this title."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def sees(self, words: str) -> None:
        expect(self.page.locator("main")).to_contain_text(words)

    # On the PSP's pages.

    def lets_messages(self, manner: str, seconds: str = FOREVER) -> None:
        """Choose, on the sandbox's page, what becomes of its messages to the shop."""
        self.page.get_by_label(manner, exact=True).check()
        self.page.get_by_label("retard en secondes").fill(seconds)

    def types_card(self, number: str) -> None:
        self.page.get_by_label("Numéro de carte").fill(number)
        self.presses(re.compile("^Payer"))

    def confirms_twint(self) -> None:
        self.presses("Confirmer dans l’app TWINT")

    def approves_paypal(self) -> None:
        self.presses(re.compile("^Payer"))

    def goes_back_to_the_shop(self) -> None:
        """By the PSP page's own link."""
        self.page.locator("a.back").click()

    # After the payment.

    def downloads_attestation(self) -> bytes:
        with self.page.expect_download() as download:
            self.page.get_by_role(
                "link", name=re.compile(r"^Télécharger l’attestation AP-\d{4}-\d{6} \(PDF,\s(environ\s)?\d+\sKo\)$")
            ).click()
        return download.value.path().read_bytes()


def text_of(document: bytes) -> str:
    """What an attestation says, with plain spaces."""
    pages = (page.extract_text() for page in PdfReader(BytesIO(document)).pages)
    return " ".join(" ".join(pages).split())


def confirms_with_the_bank(claire: Customer) -> None:
    claire.types_card(THREE_D_SECURE)
    claire.presses("Confirmer")


WAYS: dict[str, tuple[str, str, Callable[[Customer], None]]] = {
    "Visa": ("card", "par carte", lambda claire: claire.types_card(VISA)),
    "Visa with 3-D Secure": ("card", "par carte", confirms_with_the_bank),
    "Mastercard": ("card", "par carte", lambda claire: claire.types_card(MASTERCARD)),
    "TWINT": ("twint", "avec TWINT", lambda claire: claire.confirms_twint()),
    "PayPal": ("paypal", "avec PayPal", lambda claire: claire.approves_paypal()),
}
