"""`{{ order.total|chf }}` prints centimes as customers read them, `{{ amount|money:"EUR" }}` others."""

from django import template

from orders.money import format_chf, format_money

register = template.Library()
register.filter("chf", format_chf)
register.filter("money", format_money)
