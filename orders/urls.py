"""The shop's addresses until the order is placed."""

from django.urls import path

from orders import views

app_name = "orders"
urlpatterns = [
    path("", views.catalogue, name="catalogue"),
    path("rayons/<slug:slug>/", views.catalogue, name="category"),
    path("articles/<slug:slug>/", views.product, name="product"),
    path("panier/", views.cart, name="cart"),
    path("panier/retirer/", views.remove, name="remove"),
    path("panier/accepter/", views.accept_changes, name="accept_changes"),
    path("coordonnees/", views.details, name="details"),
]
