"""`{{ order.delivery_by|day }}` prints a day as people say it, `{{ order.created_at|moment }}` a day and a time."""

from django import template

from orders import days

register = template.Library()
register.filter("day", days.day)
register.filter("moment", days.moment)
