"""Who sells stands on a page of its own (UCA art. 3 para. 1 let. s): name, street, an address for mails."""

import pytest
from django.conf import settings
from django.test import Client, override_settings

pytestmark = pytest.mark.django_db
SELLER = settings.SELLER | {"name": "Lac & Fils SA", "street": "Quai 7", "town": "Nyon", "email": "ecrire@lac.ch"}


@override_settings(SELLER=SELLER)
def test_the_imprint_names_the_seller_a_street_and_an_address_for_mails(client: Client) -> None:
    shown = client.get("/contact/").content.decode()
    for fact in ("Lac &amp; Fils SA", "Quai 7", "Nyon", "mailto:ecrire@lac.ch"):
        assert fact in shown, fact
