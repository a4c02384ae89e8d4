"""The pages from the review on. They stand behind the language prefix."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from payments import papers, views


class TokenConverter(StringConverter):
    """An order's token (orders.models.new_token): nothing else in its place can be one."""

    regex = "[A-Za-z0-9_-]{20,43}"


register_converter(TokenConverter, "token")

app_name = "payments"
urlpatterns = [
    path("paiement/", views.review, name="review"),
    path("v/", papers.verify, name="verify"),
    path("v/<str:code>/", papers.verified, name="verified"),
    path("commande/", views.find_order, name="find_order"),
    path("commande/<token:token>/", views.order, name="order"),
    path("commande/<token:token>/payer/", views.pay, name="pay"),
    path("commande/<token:token>/annuler/", views.cancel, name="cancel"),
    path("commande/<token:token>/reprendre/", views.again, name="again"),
    path("commande/<token:token>/retour/<uuid:payment>/", views.returned, name="returned"),
    path("commande/<token:token>/abandon/<uuid:payment>/", views.left, name="left"),
    path("commande/<token:token>/attestation.pdf", papers.attestation_pdf, name="attestation"),
    path("commande/<token:token>/remboursement/<uuid:refund>.pdf", papers.refund_notice_pdf, name="refund_notice"),
    path("commande/<token:token>/etat.json", views.state_json, name="state"),
]
