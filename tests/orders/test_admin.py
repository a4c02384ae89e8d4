"""The goods in the back office."""

import pytest
from django.test import Client

from orders.models import Product, ShippingMethod, VatRate
from tests.shop import delivery, goods, placed

pytestmark = pytest.mark.django_db


def form_of(client: Client, address: str) -> dict[str, object]:
    """What a browser would send back of the form without a change."""
    response = client.get(address)
    assert response.status_code == 200
    form = response.context["adminform"].form
    fields: dict[str, object] = {}
    for bound in form:
        value = bound.value()
        if value is not None and value is not False and value != "":
            fields[bound.html_name] = value
        if bound.field.show_hidden_initial:
            fields[bound.html_initial_name] = value
    fields.pop("upload", None)
    return fields


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
    assert (Product.objects.get().stock, Product.objects.get().name) == (4, "Bol")
    method = {"name_fr": "Poste", "price": "9.00", "delivery_days": "1", "countries": ["CH", "LI"], "position": "0"}
    assert admin_client.post("/admin/orders/shippingmethod/add/", method).status_code == 302
    assert ShippingMethod.objects.get().countries == ["CH", "LI"]


def test_a_sale_while_the_form_is_open_is_not_written_over(admin_client: Client) -> None:
    bowl = goods(stock=10)
    address = f"/admin/orders/product/{bowl.pk}/change/"
    form = form_of(admin_client, address)
    Product.objects.update(stock=7)
    admin_client.post(address, form | {"price": "31,00"})
    assert list(Product.objects.values_list("price", "stock")) == [(3100, 7)]
    admin_client.post(address, form | {"stock": "25"})
    assert Product.objects.get().stock == 22


def test_goods_are_taken_off_sale_and_never_deleted(admin_client: Client) -> None:
    bowl = goods()
    assert admin_client.post(f"/admin/orders/product/{bowl.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Product.objects.count() == 1


def test_a_vat_rate_ends_when_the_next_one_begins_and_is_never_deleted(admin_client: Client) -> None:
    rate = VatRate.objects.earliest("pk")
    assert admin_client.post(f"/admin/orders/vatrate/{rate.pk}/delete/", {"post": "yes"}).status_code == 403
    several = {"action": "delete_selected", "_selected_action": [rate.pk], "post": "yes"}
    admin_client.post("/admin/orders/vatrate/", several)
    assert VatRate.objects.filter(pk=rate.pk).exists()


def test_a_delivery_method_that_an_order_names_stays(admin_client: Client) -> None:
    used, unused = placed().shipping_method, delivery()
    for method, status in ((used, 403), (unused, 302)):
        address = f"/admin/orders/shippingmethod/{method.pk}/delete/"
        assert admin_client.post(address, {"post": "yes"}).status_code == status
    assert ShippingMethod.objects.get() == used


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
