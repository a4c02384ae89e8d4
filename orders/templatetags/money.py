"""`{{ order.total|chf }}` prints centimes as customers read them."""

from django import template

from orders.money import format_chf

register = template.Library()
register.filter("chf", format_chf)
