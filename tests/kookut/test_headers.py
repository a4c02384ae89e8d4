"""What every answer carries, and what none may."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.shop import fill_cart, goods, order_and_pay, placed

PAGES = ["/", "/panier/", "/paiement-securise/", "/confidentialite/", "/conditions/", "/contact/", "/admin/login/"]


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_a_page_carries_the_strict_headers(client: Client, page: str) -> None:
    answer = client.get(page)

    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "camera=()" in answer["Permissions-Policy"]


@pytest.mark.django_db
def test_forms_may_lead_to_the_psps_pages_and_nowhere_else(client: Client) -> None:
    policy = client.get("/panier/")["Content-Security-Policy"]
    (directive,) = [part.split() for part in policy.split("; ") if part.startswith("form-action")]
    assert directive[1:] == ["'self'", *settings.PAYMENTS.page_origins]


@pytest.mark.django_db
def test_what_stands_behind_a_token_is_kept_by_no_cache_and_found_by_no_search_engine(client: Client) -> None:
    from orders.models import Order

    fill_cart(client, goods())
    order_and_pay(client, "card")
    answer = client.get(f"/commande/{Order.objects.get().token}/")
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "/commande/{token}/attestation.pdf",
        "/commande/{token}/remboursement/00000000-0000-4000-8000-000000000000.pdf",
        "/commande/{token}/retour/00000000-0000-4000-8000-000000000000/",
        "/commande/{token}/nulle-part/",
        "/commande/{token}x/",
        "/commande/zu-kurz/",
        "/de/commande/{token}/attestation.pdf",
    ],
)
def test_so_is_what_is_not_found_there(client: Client, address: str) -> None:
    answer = client.get(address.format(token=placed().token))
    assert answer.status_code == 404
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"


@pytest.mark.django_db
def test_woo_12084_an_unknown_token_and_a_mistyped_one_look_the_same(client: Client) -> None:
    order = placed()
    unknown = client.get(f"/commande/{'x' * 32}/")
    assert unknown.status_code == 404
    for guess in ("zu-kurz", order.number, str(order.pk), str(order.checkout_key), order.token[:-1]):
        answer = client.get(f"/commande/{guess}/")
        assert (answer.status_code, answer.content) == (404, unknown.content)


def test_only_the_two_webhooks_do_without_the_forms_token() -> None:
    def views(patterns: list[URLPattern | URLResolver]) -> list[URLPattern]:
        found: list[URLPattern] = []
        for pattern in patterns:
            found += views(pattern.url_patterns) if isinstance(pattern, URLResolver) else [pattern]
        return found

    exempt = [
        str(view.name)
        for view in views(get_resolver().url_patterns)
        if getattr(view.callback, "csrf_exempt", False) and "admin" not in str(view.lookup_str)
    ]
    assert exempt == ["webhook_stripe", "webhook_paypal"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page", ["/panier/", "/coordonnees/", "/paiement/", "/commande/", f"/commande/{'x' * 32}/payer/"]
)
def test_a_form_without_its_token_is_refused_with_a_way_on(page: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(page, {})
    assert answer.status_code == 403
    assert "KOOKUT" in answer.content.decode()


@pytest.mark.django_db
def test_a_strange_host_is_refused(client: Client) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.django_db
def test_a_poisoned_host_reaches_no_address_that_leaves_the_shop(client: Client) -> None:
    page = client.get("/", headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in page.content.decode()
