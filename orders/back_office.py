"""What the pages of the back office have in common: who asks for them, and words as people say them."""

from functools import cache
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db.models import DateTimeField, Model
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext_noop as _
from django.utils.translation import override

M = TypeVar("M", bound=Model)

DJANGOS_OWN = [
    _("The {name} “{obj}” was added successfully."),
    _("You may edit it again below."),
    _("The {name} “{obj}” was added successfully. You may add another {name} below."),
    _("The {name} “{obj}” was changed successfully."),
    _("The {name} “{obj}” was changed successfully. You may edit it again below."),
    _("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    _("The %(name)s “%(obj)s” was deleted successfully."),
    _("%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?"),
    _("Changed {fields}."),
    _("Add %(name)s"),
    _("Save"),
    _("Save and add another"),
    _("Save and continue editing"),
    _("Authentication and Authorization"),
    _("user"),
    _("users"),
    _("After you’ve created a user, you’ll be able to edit more user options."),
    _("staff status"),
    _("superuser status"),
    _("Set password: %s"),
    _("Change password: %s"),
    _("Enter the same password as before, for verification."),
    _("Close"),
    _("View on site"),
    _("View site"),
    _("This object doesn’t have a change history. It probably wasn’t added via this admin site."),
    _("0 of %(cnt)s selected"),
]
"""Sentences of Django's admin which our catalogues say better: an object is called by its name."""


def member_of_staff(request: HttpRequest) -> User:
    """Whoever asks for a page that only staff can ask for."""
    assert isinstance(request.user, User)  # noqa: S101 - the admin lets nobody else through
    return request.user


@cache
def _time(field: DateTimeField[Any, Any]) -> Any:
    """A column of a list for a moment; always the same one, by which Django knows what can be sorted."""

    @admin.display(description=field.verbose_name, ordering=field.name, empty_value="–")
    def time(row: Model) -> str | None:
        at = getattr(row, field.name)
        return date_format(localtime(at), "SHORT_DATETIME_FORMAT") if at else None

    return time


class InOurWords(admin.ModelAdmin[M]):
    """Pages that are called by what they show."""

    title_of_new: Any = ""
    """Of the page that adds one, and of the way there."""
    show_facets = admin.ShowFacets.NEVER

    def get_list_display(self, request: HttpRequest) -> Any:
        """With times in their short form, which leaves room for the other columns."""
        times = {field.name: field for field in self.opts.fields if isinstance(field, DateTimeField)}
        return [_time(times[name]) if name in times else name for name in super().get_list_display(request)]

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What changed, by the names of its columns: those our catalogues know, unlike the labels made from them."""
        message = super().construct_change_message(request, form, formsets, add)
        names = self.names_by_label(form)
        for one in message:
            if "changed" in one:
                one["changed"]["fields"] = [names.get(label, label) for label in one["changed"]["fields"]]
        return message

    def names_by_label(self, form: Any) -> dict[str, str]:
        """The labels of a form's columns → their names, in the language of the message ids."""
        with override(None):
            columns = {one.name: str(one.verbose_name) for one in self.opts.fields}
            return {str(field.label): columns.get(name, str(field.label)) for name, field in form.fields.items()}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        own = {"title": capfirst(self.opts.verbose_name_plural), "title_of_new": self.title_of_new}
        return super().changelist_view(request, {**own, **(extra_context or {})})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        title = self.title_of_new if add else capfirst(self.opts.verbose_name)
        return super().render_change_form(request, {**context, "title": title}, add, change, form_url, obj)


def log_change(by: User, row: Model, said: str) -> None:
    """Write down in the admin's log what a member of staff did about a row, in a sentence."""
    LogEntry.objects.log_actions(by.pk, [row], CHANGE, said, single_object=True)
