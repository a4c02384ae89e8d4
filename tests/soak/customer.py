"""One customer of the soak: what she wants, what she does with her browser, and what she was told at the end."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from random import Random

from tests.sandbox.client import (
    AMEX,
    DECLINED,
    EXPIRED_CARD,
    INSUFFICIENT_FUNDS,
    MASTERCARD,
    PROCESSING_ERROR,
    THREE_D_SECURE,
    VISA,
    WRONG_CVC,
)
from tests.sandbox.manner import Fault
from tests.soak.browser import CSRF, Browser, GaveUp, Page

LANGUAGES = ("", "", "", "/de", "/it", "/en")
METHODS = {"card": 5, "twint": 3, "paypal": 3}
REFUSED = (INSUFFICIENT_FUNDS, DECLINED, EXPIRED_CARD, WRONG_CVC, PROCESSING_ERROR, AMEX)
MANNERS: dict[Fault, int] = {
    "none": 120,
    "lost": 10,
    "gaps": 8,
    "twice": 12,
    "late": 12,
    "reversed": 8,
    "unsigned": 4,
    "never": 4,
    "wrong_amount": 3,
    "event_amount": 3,
}
LOOKS, BETWEEN_LOOKS = 6, 0.5  # at the order's page after the return; seconds
SETTLED = ("accepted", "refunded", "review", "late", "cancelled", "refused")


@dataclass
class Story:
    """What became of one visit, as the customer saw it."""

    n: int
    plan: str
    method: str
    manner: str = "none"
    token: str = ""
    end: str = ""
    told: str = ""
    """The last state that the order's page told her."""
    declined: int = 0
    pages: int = 0
    attestation: bool = False

    def as_json(self) -> str:
        return json.dumps(asdict(self))


class Customer:
    """Customer number `n` of a soak with this seed; what she does is in her number, when it happens is not."""

    def __init__(self, n: int, seed: str, shop: str, psps: str, goods: Sequence[str]) -> None:
        self.random = Random(f"{seed} {n}")  # noqa: S311 a plan, no secret
        self.language = self.random.choice(LANGUAGES)
        self.browser = Browser(shop)
        self.psps, self.goods = psps, goods
        plan = self.random.choices(list(PLANS), [weight for weight, _act in PLANS.values()])[0]
        self.story = Story(n, plan, self._any(METHODS))

    def visit(self) -> Story:
        try:
            review = self._comes_to_review()
            if review is not None:
                PLANS[self.story.plan][1](self, review)
        except GaveUp as error:
            self.story.end = f"gave up: {error}"
        finally:
            self.browser.close()
        return self.story

    # In the shop.

    def _comes_to_review(self) -> Page | None:
        for slug in self.random.sample(self.goods, self.random.choice((1, 1, 2, 3))):
            if not self._puts_into_cart(slug):
                return None
        cart = self.browser.get(f"{self.language}/panier/")
        self.browser.submit(cart, checkout="1")
        form = self.browser.get(f"{self.language}/coordonnees/")
        self.browser.submit(form, **self._details())
        return self._looks_at_review()

    def _puts_into_cart(self, slug: str) -> bool:
        product = self.browser.get(f"{self.language}/articles/{slug}/")
        if CSRF not in product.inputs:
            self.story.end = "sold out"
            return False
        added = self.browser.submit(product, quantity=str(self.random.choice((1, 1, 1, 2, 3))))
        if added.status != 303:
            self.story.end = "sold out"
        return added.status == 303

    def _details(self) -> dict[str, str]:
        name = f"Claire Dufour {self.story.n}"
        address = {"delivery_street": "Rue de Carouge 12", "delivery_postcode": "1205", "delivery_town": "Genève"}
        return address | {"email": f"claire-{self.story.n}@exemple.ch", "delivery_name": name, "delivery_country": "CH"}

    def _looks_at_review(self) -> Page | None:
        """The review page; where the catalogue has changed, she accepts what is left, once."""
        page = self.browser.get(f"{self.language}/paiement/")
        if page.status == 409:
            self.browser.post(f"{self.language}/panier/accepter/", page.inputs)
            page = self.browser.get(f"{self.language}/paiement/")
        if page.status != 200 or "checkout_key" not in page.inputs:
            self.story.end = f"no review: {page.status}"
            return None
        return page

    def _orders(self, review: Page) -> str:
        """« Commander et payer »: the address of the PSP's page; empty when she did not get there."""
        return self._gets_there(lambda: self.browser.submit(review, method=self.story.method))

    def _pays_again(self) -> str:
        """From the order's page, with any method."""
        page = self._order_page()
        if CSRF not in page.inputs:
            self.story.end = "no other page is offered"
            return ""
        address = f"{self.language}/commande/{self.story.token}/payer/"
        data = page.inputs | {"method": self.story.method}
        return self._gets_there(lambda: self.browser.post(address, data))

    def _gets_there(self, press: Callable[[], Page]) -> str:
        for _try in range(4):
            answer = press()
            self.story.token = self.story.token or answer.token
            if answer.status == 303 and answer.location.startswith(self.psps):
                self.story.pages += 1
                return answer.location
            if answer.status != 503:
                self.story.end = f"no page: {answer.status}"
                return ""
            time.sleep(1.0)  # the PSP is silent: the page says, try again
        self.story.end = "no page: the PSP is silent"
        return ""

    def _order_page(self) -> Page:
        return self.browser.get(f"{self.language}/commande/{self.story.token}/")

    def _cancels(self) -> None:
        page = self._order_page()
        self.browser.post(f"{self.language}/commande/{self.story.token}/annuler/", page.inputs)

    def _looks(self, times: int = LOOKS) -> str:
        """Look at the order until it is decided, for a while."""
        for _look in range(times):
            answer = self.browser.get(f"{self.language}/commande/{self.story.token}/etat.json")
            if answer.status == 200:
                self.story.told = json.loads(answer.text)["state"]
            if self.story.told in SETTLED:
                break
            time.sleep(BETWEEN_LOOKS)
        self._order_page()
        return self.story.told

    def _comes_back(self, answer: Page) -> None:
        """From the PSP's page, by its redirect; some browsers die on the way."""
        if answer.status != 303:
            self.story.end = f"the PSP's page: {answer.status}"
            return
        if self.random.random() < 0.12:
            self.story.end = "the browser died"
            return
        self.browser.get(answer.location)
        self._looks()
        if self.story.told == "accepted" and self.random.random() < 0.3:
            document = self.browser.get(f"{self.language}/commande/{self.story.token}/attestation.pdf")
            self.story.attestation = document.status == 200
        self.story.end = "came back"

    # On the PSP's page.

    def _sees(self, page: str) -> Page:
        shown = self.browser.get(page)
        self.story.token = self.story.token or shown.token
        return shown

    def _agrees(self, page: str, **how: str) -> Page:
        """Pay: with a good card, in the app, or with the account."""
        manner = self.story.manner = self._any(MANNERS)
        told = {"webhook": manner, "seconds": str(self.random.randint(2, 25))}
        if "/paypal/" in page:
            return self.browser.post(page, told | how)
        if self.story.method == "twint":
            return self.browser.post(f"{page}/twint", told | {"answer": "confirm"} | how)
        card = self.random.choice((VISA, MASTERCARD, THREE_D_SECURE))
        if card == THREE_D_SECURE:
            self.browser.post(f"{page}/card", told | {"card": card})
            return self.browser.post(f"{page}/3ds", told | {"card": card, "answer": "confirm"})
        return self.browser.post(f"{page}/card", told | {"card": card})

    def _is_refused(self, page: str) -> None:
        """The bank says no, or she does not confirm; the page stays open. PayPal's refuses only at the capture."""
        self.story.declined += 1
        if "/paypal/" in page:
            self._comes_back(
                self.browser.post(page, {"capture": self.random.choice(("instrument_declined", "payer_action"))})
            )
        elif self.story.method == "twint":
            self.browser.post(f"{page}/twint", {"answer": "refuse"})
        elif self.random.random() < 0.3:
            self.browser.post(f"{page}/3ds", {"card": THREE_D_SECURE, "answer": "refuse"})
        else:
            self.browser.post(f"{page}/card", {"card": self.random.choice(REFUSED)})

    def _leaves(self, shown: Page) -> None:
        """By the PSP page's own link."""
        if shown.way_back:
            self.browser.get(shown.way_back)
            self.story.told = ""
            self._looks(1)
        self.story.end = "left"

    def _other_method(self) -> str:
        return self.random.choice([method for method in METHODS if method != self.story.method])

    def _any(self, weights: dict[str, int] | dict[Fault, int]) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]

    # What she came for.

    def pays(self, review: Page) -> None:
        if page := self._orders(review):
            self._sees(page)
            self._comes_back(self._agrees(page))

    def presses_twice(self, review: Page) -> None:
        """A double click, or two tabs with one form."""
        with ThreadPoolExecutor(1) as other:
            data = review.inputs | {"method": self.story.method}
            twin = other.submit(self.browser.once, review.url, data)
            page = self._orders(review)
            twin.result()
        if page:
            self._sees(page)
            self._comes_back(self._agrees(page))

    def is_refused_and_pays(self, review: Page) -> None:
        if page := self._orders(review):
            self._sees(page)
            self._is_refused(page)
            if "/paypal/" in page:
                page = self._pays_again() or page
            self._comes_back(self._agrees(page))

    def is_refused_and_changes(self, review: Page) -> None:
        """Refused, back by the page's link, and another method."""
        if page := self._orders(review):
            shown = self._sees(page)
            self._is_refused(page)
            self._leaves(shown)
            self._pays_with_another()

    def is_refused_and_leaves(self, review: Page) -> None:
        if page := self._orders(review):
            shown = self._sees(page)
            self._is_refused(page)
            self._leaves(shown)

    def leaves_and_pays_otherwise(self, review: Page) -> None:
        if page := self._orders(review):
            self._leaves(self._sees(page))
            self._pays_with_another()

    def _pays_with_another(self) -> None:
        self.story.method = self._other_method()
        if page := self._pays_again():
            self._comes_back(self._agrees(page))

    def leaves(self, review: Page) -> None:
        if page := self._orders(review):
            self._leaves(self._sees(page))

    def forgets(self, review: Page) -> None:
        """Sees the page, and is never seen again."""
        if page := self._orders(review):
            self._sees(page)
            self.story.end = "went away"

    def cancels(self, review: Page) -> None:
        if page := self._orders(review):
            self._leaves(self._sees(page))
            self._cancels()
            self._looks(1)
            self.story.end = "cancelled"

    def cancels_and_begins_again(self, review: Page) -> None:
        if not (page := self._orders(review)):
            return
        self._leaves(self._sees(page))
        self._cancels()
        taken_up = self._order_page()
        self.browser.post(f"{self.language}/commande/{self.story.token}/reprendre/", taken_up.inputs)
        if new_review := self._looks_at_review():
            self.story.token = ""
            self.pays(new_review)

    def pays_while_she_cancels(self, review: Page) -> None:
        """Two windows: the paid message is in flight, or the page is being closed while it is paid."""
        if page := self._orders(review):
            self._sees(page)
            with ThreadPoolExecutor(1) as other:
                paying = other.submit(self._agrees, page)
                self._cancels()
                self._comes_back(paying.result())

    def pays_on_two_pages(self, review: Page) -> None:
        """A second tab takes another method while the first page is being paid; she pays there too, if it opens."""
        if not (page := self._orders(review)):
            return
        self._sees(page)
        address = f"{self.language}/commande/{self.story.token}/payer/"
        data = self._order_page().inputs | {"method": self._other_method()}
        with ThreadPoolExecutor(1) as other:
            second = other.submit(self.browser.once, address, data)
            first = self._agrees(page)
            answer = second.result()
        if answer and answer.location.startswith(self.psps):
            self.story.pages += 1
            self.story.method = data["method"]
            self._agrees(answer.location)
        self._comes_back(first)

    def changes_her_cart(self, review: Page) -> None:
        """Back from the PSP's page she takes something more, and orders anew."""
        if not (page := self._orders(review)):
            return
        self._leaves(self._sees(page))
        if self._puts_into_cart(self.random.choice(self.goods)) and (new_review := self._looks_at_review()):
            self.story.token = ""
            self.pays(new_review)

    def waits_for_her_bank(self, review: Page) -> None:
        """The money stays undecided: TWINT at Stripe, a review or an eCheck at PayPal."""
        if self.story.method == "card":
            self.story.method = "twint"
        if page := self._orders(review):
            self._sees(page)
            later = self.random.choice(("pending", "echeck", "declined"))
            self._comes_back(
                self._agrees(page, **({"capture": later} if "/paypal/" in page else {"answer": "pending"}))
            )

    def lets_the_page_lapse(self, review: Page) -> None:
        """The time of the PSP's page is over; she tries again."""
        if not (page := self._orders(review)):
            return
        self._sees(page)
        address, _, query = page.partition("?")
        self.browser.post(f"{address}/lapse?{query}" if query else f"{address}/lapse", {})
        if page := self._pays_again():
            self._comes_back(self._agrees(page))

    def loses_the_link(self, review: Page) -> None:
        """Pays, and then has the link to the order mailed."""
        self.pays(review)
        if not self.story.token:
            return
        number = self._order_page().text.partition("KK-")[2][:9]
        form = self.browser.get(f"{self.language}/commande/")
        self.browser.submit(form, email=self._details()["email"], number=f"KK-{number}")


Act = Callable[[Customer, Page], None]
PLANS: dict[str, tuple[int, Act]] = {  # weight, act
    "pays": (40, Customer.pays),
    "presses twice": (5, Customer.presses_twice),
    "refused, then pays": (6, Customer.is_refused_and_pays),
    "refused, then another method": (4, Customer.is_refused_and_changes),
    "refused, leaves": (4, Customer.is_refused_and_leaves),
    "leaves, pays otherwise": (6, Customer.leaves_and_pays_otherwise),
    "leaves": (4, Customer.leaves),
    "goes away": (6, Customer.forgets),
    "cancels": (4, Customer.cancels),
    "cancels, begins again": (3, Customer.cancels_and_begins_again),
    "pays while she cancels": (4, Customer.pays_while_she_cancels),
    "pays on two pages": (5, Customer.pays_on_two_pages),
    "changes her cart": (3, Customer.changes_her_cart),
    "waits for her bank": (5, Customer.waits_for_her_bank),
    "the page lapses": (3, Customer.lets_the_page_lapse),
    "loses the link": (2, Customer.loses_the_link),
}
