"""The goods in the back office."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate
from django.utils.translation import override

from orders.models import Category, Product, ShippingMethod, VatRate
from tests.shop import delivery, goods, placed
from tests.staff import form_of, sign_in

pytestmark = pytest.mark.django_db


def confirm(client: Client, address: str, form: Mapping[str, object]) -> Any:
    """Send the form of a VAT rate, then the page that says what it changes."""
    shown = client.post(address, form)
    assert shown.status_code == 200, shown
    return client.post(address, dict(shown.context["typed"]) | {"confirmed": shown.context["change"].sentence})


def test_names_are_edited_as_one_field_per_language(admin_client: Client) -> None:
    bowl = goods(names={"fr": "Bol", "en": "Bowl"})
    address = f"/admin/orders/product/{bowl.pk}/change/"
    form = form_of(admin_client, address)
    assert (form["name_fr"], form["name_en"]) == ("Bol", "Bowl")
    response = admin_client.post(address, form | {"name_de": "Schale", "name_en": "", "description_fr": "Grès."})
    assert response.status_code == 302, response.context["errors"]
    bowl.refresh_from_db()
    assert bowl.names == {"fr": "Bol", "de": "Schale"}
    assert bowl.descriptions == {"fr": "Grès."}


def test_a_french_name_is_needed(admin_client: Client) -> None:
    bowl = goods()
    address = f"/admin/orders/product/{bowl.pk}/change/"
    assert admin_client.post(address, form_of(admin_client, address) | {"name_fr": ""}).status_code == 200
    assert Product.objects.get().names == bowl.names


def test_a_product_and_a_delivery_method_are_added(admin_client: Client) -> None:
    product = {"name_fr": "Bol", "sku": "B", "slug": "b", "price": "29.00", "vat_class": "normal", "stock": "4"}
    response = admin_client.post("/admin/orders/product/add/", product | {"position": "0", "active": "on"})
    assert response.status_code == 302, response.context["errors"]
    bowl = Product.objects.get()
    assert (bowl.stock, bowl.name) == (0, "Bol"), "its first pieces are booked on a page of their own"
    assert response["Location"] == f"/admin/orders/product/{bowl.pk}/stock/"
    method = {"name_fr": "Poste", "price": "9.00", "delivery_days": "1", "countries": ["CH", "LI"], "position": "0"}
    assert admin_client.post("/admin/orders/shippingmethod/add/", method).status_code == 302
    assert ShippingMethod.objects.get().countries == ["CH", "LI"]


def test_the_form_of_a_product_never_touches_its_stock(admin_client: Client) -> None:
    bowl = goods(stock=10)
    address = f"/admin/orders/product/{bowl.pk}/change/"
    form = form_of(admin_client, address)
    Product.objects.update(stock=7)
    admin_client.post(address, form | {"price": "31,00", "stock": "25"})
    assert list(Product.objects.values_list("price", "stock")) == [(3100, 7)]


def test_what_others_changed_while_a_form_was_open_stays(admin_client: Client) -> None:
    bowl = goods()
    address = f"/admin/orders/product/{bowl.pk}/change/"
    form = form_of(admin_client, address)
    Product.objects.update(price=3100, names={"fr": "Bol", "it": "Ciotola"})
    assert admin_client.post(address, form | {"name_de": "Schale", "position": "7"}).status_code == 302
    bowl.refresh_from_db()
    assert (bowl.price, bowl.position, bowl.names) == (3100, 7, {"fr": "Bol", "de": "Schale", "it": "Ciotola"})


def test_goods_without_a_category_are_found_by_a_filter_that_says_so(admin_client: Client) -> None:
    goods(category=Category.objects.create(slug="vaisselle", names={"fr": "Vaisselle"}))
    goods(names={"fr": "Balai"})
    page = admin_client.get("/admin/orders/product/").content.decode()
    assert re.search(r'href="\?category__isnull=True"[^>]*>\s*Aucun rayon', page)


def test_what_others_changed_in_a_delivery_method_or_a_category_stays(admin_client: Client) -> None:
    method = delivery()
    shelf = Category.objects.create(slug="table", names={"fr": "Table"})
    addresses = [f"/admin/orders/shippingmethod/{method.pk}/change/", f"/admin/orders/category/{shelf.pk}/change/"]
    forms = [form_of(admin_client, address) for address in addresses]
    ShippingMethod.objects.update(price=1100, countries=["LI"], names={"fr": "Poste", "it": "Posta"})
    Category.objects.update(slug="tables")
    for address, form in zip(addresses, forms, strict=True):
        assert admin_client.post(address, form | {"name_de": "Neu", "position": "7"}).status_code == 302
    method.refresh_from_db()
    shelf.refresh_from_db()
    assert (method.price, method.countries, method.position) == (1100, ["LI"], 7)
    assert method.names == {"fr": "Poste", "it": "Posta", "de": "Neu"}
    assert (shelf.slug, shelf.position, shelf.names) == ("tables", 7, {"fr": "Table", "de": "Neu"})


def test_the_log_tells_the_old_and_the_new_price(admin_client: Client) -> None:
    bowl, method = goods(), delivery()
    address = f"/admin/orders/product/{bowl.pk}/change/"
    admin_client.post(address, form_of(admin_client, address) | {"price": "31.00", "name_de": "Schale"})
    said = LogEntry.objects.get(object_id=str(bowl.pk)).get_change_message()
    assert "CHF\u00a029.00 → CHF\u00a031.00" in said
    assert "allemand" in said
    address = f"/admin/orders/shippingmethod/{method.pk}/change/"
    admin_client.post(address, form_of(admin_client, address) | {"free_from": "100"})
    said = LogEntry.objects.latest("pk").get_change_message()
    assert said == "Offerte dès\u00a0: – → CHF\u00a0100.00."
    admin_client.post(address, form_of(admin_client, address) | {"position": "4"})
    assert LogEntry.objects.latest("pk").get_change_message() == "Modifié\u00a0: position."
    with override("de"):
        assert LogEntry.objects.latest("pk").get_change_message() == "Geändert: Position."


def test_an_article_for_nothing_and_a_number_given_twice_are_refused_in_words(admin_client: Client) -> None:
    bowl, other = goods(), goods()
    address = f"/admin/orders/product/{bowl.pk}/change/"
    typed = form_of(admin_client, address) | {"price": "0", "sku": other.sku}
    page = admin_client.post(address, typed).content.decode()
    assert "Le prix doit être supérieur à zéro" in page
    assert "Un autre article porte déjà ce numéro." in page
    assert "contrainte" not in page


def test_who_may_only_read_reads_words_and_francs() -> None:
    call_command("set_up_roles", stdout=StringIO())
    reader = User.objects.create_user("reader", is_staff=True)
    reader.groups.set(Group.objects.filter(name="reading"))
    client = sign_in(Client(), reader)
    bowl, method = goods(names={"fr": "Bol", "de": "Schale"}, price=125_050), delivery()
    page = client.get(f"/admin/orders/product/{bowl.pk}/change/").content.decode()
    assert "Schale" in page
    assert "CHF\u00a01’250.50" in page
    assert "centimes" not in page
    assert "/stock/" not in page
    page = client.get(f"/admin/orders/shippingmethod/{method.pk}/change/").content.decode()
    assert "CHF\u00a09.00" in page
    assert "Suisse, Liechtenstein" in page


def test_goods_on_sale_lead_to_their_page_in_the_shop(admin_client: Client) -> None:
    bowl = goods()
    address = f"/admin/orders/product/{bowl.pk}/change/"
    assert f'href="/articles/{bowl.slug}/"' in admin_client.get(address).content.decode()
    Product.objects.update(active=False)
    assert f'href="/articles/{bowl.slug}/"' not in admin_client.get(address).content.decode()


def test_goods_that_run_out_are_found(admin_client: Client) -> None:
    none, few, _plenty = goods(stock=0), goods(stock=3), goods(stock=4)
    for asked, expected in (("none", none), ("few", few)):
        found = admin_client.get(f"/admin/orders/product/?stock={asked}").context["cl"].result_list
        assert list(found) == [expected]


def test_goods_are_taken_off_sale_and_never_deleted(admin_client: Client) -> None:
    bowl = goods()
    assert admin_client.post(f"/admin/orders/product/{bowl.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Product.objects.count() == 1


def test_a_vat_rate_that_was_used_is_never_changed_or_deleted(admin_client: Client) -> None:
    rate = VatRate.objects.earliest("pk")
    address = f"/admin/orders/vatrate/{rate.pk}/"
    form = form_of(admin_client, f"{address}change/")
    placed()
    assert "_save" not in admin_client.get(f"{address}change/").content.decode()
    assert admin_client.post(f"{address}change/", form | {"rate": "9.9"}).status_code == 403
    assert admin_client.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    several = {"action": "delete_selected", "_selected_action": [rate.pk], "post": "yes"}
    admin_client.post("/admin/orders/vatrate/", several)
    assert VatRate.objects.get(pk=rate.pk).rate == rate.rate


def test_a_vat_rate_is_added_with_its_first_day_and_may_be_mended_until_then(admin_client: Client) -> None:
    placed()
    form = {"vat_class": "normal", "rate": "8.5"}
    past = admin_client.post("/admin/orders/vatrate/add/", form | {"valid_from": "2025-01-01"})
    assert past.status_code == 200
    assert "aujourd’hui ou plus tard" in past.content.decode()
    day = (localdate() + timedelta(days=30)).isoformat()
    slip = admin_client.post("/admin/orders/vatrate/add/", form | {"rate": "85", "valid_from": day})
    assert "jamais atteint 10" in slip.content.decode()
    ahead = form | {"valid_from": (localdate() + timedelta(days=30)).isoformat()}
    assert confirm(admin_client, "/admin/orders/vatrate/add/", ahead).status_code == 302
    rate = VatRate.objects.latest("pk")
    address = f"/admin/orders/vatrate/{rate.pk}/"
    mended = form_of(admin_client, f"{address}change/") | {"rate": "8.8"}
    assert confirm(admin_client, f"{address}change/", mended).status_code == 302
    rate.refresh_from_db()
    assert rate.rate == Decimal("8.8")
    assert admin_client.post(f"{address}delete/", {"post": "yes"}).status_code == 302


def test_a_vat_rate_begins_today_only_while_nothing_was_ordered_today(admin_client: Client) -> None:
    form = {"vat_class": "lodging", "rate": "4.1", "valid_from": localdate().isoformat()}
    assert confirm(admin_client, "/admin/orders/vatrate/add/", form).status_code == 302
    placed()
    refused = admin_client.post("/admin/orders/vatrate/add/", form | {"vat_class": "reduced"})
    assert refused.status_code == 200
    assert "demain" in refused.content.decode()


def test_a_vat_rate_nobody_used_is_mended_without_another_first_day(admin_client: Client) -> None:
    rate = VatRate.objects.create(vat_class="lodging", rate="4.1", valid_from="2026-01-01")
    address = f"/admin/orders/vatrate/{rate.pk}/change/"
    assert confirm(admin_client, address, form_of(admin_client, address) | {"rate": "3.9"}).status_code == 302


def test_a_vat_rate_is_saved_once_what_it_changes_was_read_and_is_still_so(admin_client: Client) -> None:
    address, day = "/admin/orders/vatrate/add/", localdate() + timedelta(days=30)
    form = {"vat_class": "normal", "rate": "8.5", "valid_from": day.isoformat(), "_continue": "1"}
    shown = admin_client.post(address, form)
    assert not VatRate.objects.filter(rate="8.5").exists()
    assert "art. 115 LTVA" in shown.content.decode()
    said = f"Taux normal\u00a0: 8,1\u00a0% → 8,5\u00a0% dès le {day:%d.%m.%Y}."
    assert shown.context["change"].sentence == said
    between = VatRate.objects.create(vat_class="normal", rate="8.3", valid_from=day - timedelta(days=1))

    stale = admin_client.post(address, form | {"confirmed": said})
    assert stale.status_code == 409
    assert "8,3\u00a0% → 8,5\u00a0%" in stale.content.decode()
    assert not VatRate.objects.filter(rate="8.5").exists()

    between.delete()
    saved = admin_client.post(address, dict(stale.context["typed"]) | {"confirmed": said})
    rate = VatRate.objects.get(rate="8.5")
    assert saved["Location"].endswith(f"/{rate.pk}/change/"), "the button that was pressed counts"
    assert LogEntry.objects.get().get_change_message() == said


def test_what_others_changed_in_a_vat_rate_is_told_and_stays(admin_client: Client) -> None:
    day = localdate() + timedelta(days=30)
    rate = VatRate.objects.create(vat_class="normal", rate="8.5", valid_from=day)
    address = f"/admin/orders/vatrate/{rate.pk}/change/"
    form = form_of(admin_client, address) | {"valid_from": (day + timedelta(days=1)).isoformat()}
    VatRate.objects.filter(pk=rate.pk).update(rate="8.8")
    shown = admin_client.post(address, form)
    assert "8,1\u00a0% → 8,8\u00a0%" in shown.context["change"].sentence
    confirm(admin_client, address, form)
    rate.refresh_from_db()
    assert (rate.rate, rate.valid_from) == (Decimal("8.8"), day + timedelta(days=1))


def test_more_vat_rates_cost_no_more_statements(admin_client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert "Définitif" in admin_client.get("/admin/orders/vatrate/").content.decode()
        return len(queries)

    placed()
    statements()
    few = statements()
    VatRate.objects.create(vat_class="lodging", rate="4.1", valid_from="2026-01-01")
    assert statements() == few


def test_a_delivery_method_that_an_order_names_stays(admin_client: Client) -> None:
    used, unused = placed().shipping_method, delivery()
    for method, status in ((used, 403), (unused, 302)):
        address = f"/admin/orders/shippingmethod/{method.pk}/delete/"
        assert admin_client.post(address, {"post": "yes"}).status_code == status
    assert ShippingMethod.objects.get() == used


def test_the_last_delivery_method_that_is_offered_stays_so(admin_client: Client) -> None:
    only = delivery()
    address = f"/admin/orders/shippingmethod/{only.pk}/"
    form = form_of(admin_client, f"{address}change/")
    del form["active"]
    refused = admin_client.post(f"{address}change/", form)
    assert "le seul mode proposé" in refused.content.decode()
    assert admin_client.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    delivery()
    assert admin_client.post(f"{address}change/", form).status_code == 302
    assert not ShippingMethod.objects.get(pk=only.pk).active


def test_the_lists_open(admin_client: Client) -> None:
    goods()
    delivery()
    for model in (Product, ShippingMethod, VatRate):
        response = admin_client.get(f"/admin/orders/{model._meta.model_name}/?q=bol")
        assert response.status_code in (200, 302)
        assert admin_client.get(f"/admin/orders/{model._meta.model_name}/").status_code == 200


def test_a_price_is_read_and_written_in_francs(admin_client: Client) -> None:
    """Who means francs must not sell for centimes."""
    product = goods(price=125_050)
    address = f"/admin/orders/product/{product.pk}/change/"
    page = admin_client.get(address)
    assert 'name="price" value="1250.50"' in page.content.decode()
    form = form_of(admin_client, address)
    for typed in ("59.00", "59"):
        assert admin_client.post(address, form | {"price": typed}).status_code == 302
        product.refresh_from_db()
        assert product.price == 5900
    refused = admin_client.post(address, form | {"price": "59.000"})
    assert refused.status_code == 200
    assert "29.50" in refused.content.decode()
    product.refresh_from_db()
    assert product.price == 5900


def test_a_form_is_called_by_what_it_shows(admin_client: Client) -> None:
    product = goods()
    for address, title in (("add/", "Nouvel article"), (f"{product.pk}/change/", "Article")):
        page = admin_client.get(f"/admin/orders/product/{address}", headers={"Accept-Language": "fr"})
        assert page.context["title"] == title
