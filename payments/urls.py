"""The pages from the review on. They stand behind the language prefix."""

from django.urls import path

from payments import views

app_name = "payments"
urlpatterns = [
    path("paiement/", views.review, name="review"),
    path("commande/", views.find_order, name="find_order"),
    path("commande/<str:token>/", views.order, name="order"),
    path("commande/<str:token>/payer/", views.pay, name="pay"),
    path("commande/<str:token>/annuler/", views.cancel, name="cancel"),
    path("commande/<str:token>/reprendre/", views.again, name="again"),
    path("commande/<str:token>/retour/<uuid:payment>/", views.returned, name="returned"),
    path("commande/<str:token>/abandon/<uuid:payment>/", views.left, name="left"),
    path("commande/<str:token>/attestation.pdf", views.attestation_pdf, name="attestation"),
    path("commande/<str:token>/etat.json", views.state_json, name="state"),
]
