"""Staff in the back office: who there is, with which role. Only superusers look after them: a refund that needs two
people needs two whom neither has made. Nobody is deleted: what they did bears their names."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ManyToManyField
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult

from kookut import access, second_factor
from kookut.roles import ROLE_NAMES, ROLE_TELLS
from orders.back_office import InOurWords, member_of_staff

NOBODYS_NAMES = frozenset(
    {"admin", "administrator", "administrateur", "root", "staff", "support", "shop", "boutique", "info", "test", "user"}
)


FIELD_TELLS = {
    "username": _("With it the person logs in: letters, digits and @ . + - _"),
    "is_active": _("Nobody is deleted: take this away from who leaves, and the account is closed at once."),
    "is_staff": _("May log in here; what is open to the person, the roles say."),
    "is_superuser": _("Everything that the roles allow, and these pages: to look after the accounts of others."),
}


def named_after_somebody(name: str) -> None:
    """No shared accounts (PCI DSS 8.2.2): the log of what was done would name nobody. Raises ValidationError."""
    if name.lower() in NOBODYS_NAMES:
        raise ValidationError(gettext("An account is one person’s: give it the name of that person."))


class NewPersonForm(UserCreationForm[User]):
    """Django's, without asking for the focus twice: the admin's own script gives it to the first field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["username"].widget.attrs["autofocus"]


class PersonForm(UserChangeForm[User]):
    """Whoever changes people stays as they are: so there is always one who can. Without Django's words on how the
    password is kept: the page leads to a new one."""

    password = None  # type: ignore[assignment]  # so a form is rid of a field
    by: User

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.exclude(pk=self.instance.pk).filter(username__iexact=name).exists():
            raise ValidationError(gettext("Somebody has this name, in other letters perhaps."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("is_active", "is_staff", "is_superuser"):
            if self.instance == self.by and name in self.changed_data:
                self.add_error(name, gettext("You cannot take this away from yourself: ask another superuser."))
        return cleaned


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]  # only its stub takes one
    """Django's, without its choice of a person who has no password: whoever shall not come in is not active."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields.pop("usable_password", None)
        for field in self.fields.values():
            field.required = True


class RolesField(ModelMultipleChoiceField[Group]):
    def label_from_instance(self, obj: Any) -> str:
        name, told = ROLE_NAMES.get(obj.name, obj.name), ROLE_TELLS.get(obj.name, "")
        return format_html('{}<br><span class="help">{}</span>', name, told)


class PersonAdmin(InOurWords[User], UserAdmin[User]):
    title_of_new = _("New person")
    list_display = ["username", "first_name", "last_name", "roles", "has_second_factor", "is_active", "last_login"]
    list_filter = ["is_active", "is_staff"]
    list_select_related = ["second_factor"]
    readonly_fields = ["new_password", "has_second_factor", "last_login", "date_joined"]
    filter_horizontal = ()
    form = PersonForm
    add_form = NewPersonForm
    change_password_form = PasswordForm
    change_user_password_template = "admin/password_change.html"  # noqa: S105 a page
    fieldsets = (
        (None, {"fields": ["username", "new_password", "has_second_factor"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Access"), {"fields": ["is_active", "is_staff", "groups", "is_superuser"]}),
        (_("Times"), {"fields": ["last_login", "date_joined"]}),
    )
    add_fieldsets = (
        (None, {"fields": ["username", "password1", "password2"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Access"), {"fields": ["is_staff", "groups"]}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """No role would help."""
        raise PermissionDenied(gettext("People are never deleted: what they did bears their names. Deactivate them."))

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.by = member_of_staff(request)
        return form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            access.password_was_given(obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302 and str(request.user.pk) != id:
            access.password_was_given(User.objects.get(pk=id))
        return answer

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "username":
            field.validators.append(named_after_somebody)
        if field and db_field.name in FIELD_TELLS:
            field.help_text = FIELD_TELLS[db_field.name]
        return field

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs |= {"form_class": RolesField, "widget": CheckboxSelectMultiple, "label": _("Roles"), "help_text": ""}
            return db_field.formfield(**kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description=_("password"))
    def new_password(self, person: User) -> str:
        link = reverse("admin:auth_user_password_change", args=[person.pk])
        return format_html(
            '{} <a href="{}">{}</a>', gettext("Nobody can read it."), link, gettext("Give a new password")
        )

    @admin.display(description=_("roles"))
    def roles(self, person: User) -> str:
        names = [str(ROLE_NAMES.get(group.name, group.name)) for group in person.groups.all()]
        return ", ".join([*names, *([gettext("everything")] if person.is_superuser else [])]) or "–"

    @admin.display(description=_("second factor"), boolean=True)
    def has_second_factor(self, person: User) -> bool:
        factor = getattr(person, "second_factor", None)
        return bool(factor and factor.confirmed_at)

    def get_urls(self) -> list[URLPattern]:
        reset = self.admin_site.admin_view(self.reset_second_factor)
        return [path("<int:pk>/second-factor/", reset, name="auth_user_second_factor"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        resettable = str(request.user.pk) != object_id
        return super().change_view(request, object_id, form_url, {"resettable": resettable, **(extra_context or {})})

    def reset_second_factor(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take another person's second factor away (a lost telephone); the next login sets up a new one."""
        person, by = get_object_or_404(User, pk=pk), member_of_staff(request)
        if not self.has_change_permission(request) or person == by:
            raise PermissionDenied
        if request.method != "POST":
            title = gettext("Reset the second factor of %(person)s?") % {"person": person}
            context = {**self.admin_site.each_context(request), "title": title, "person": person, "opts": self.opts}
            return render(request, "admin/auth/user/reset_second_factor.html", context)
        second_factor.reset(person)
        self.log_change(request, person, gettext("Second factor reset."))
        access.tell(f"second factor of {person.pk} reset", request)
        messages.success(request, gettext("The second factor is reset: the next login sets up a new one."))
        return HttpResponseRedirect(reverse("admin:auth_user_change", args=[pk]))


admin.site.unregister(DBTaskResult)  # Rows are due, tasks only hurry: nothing here is for a person to look after.
admin.site.unregister(Group)  # Roles are what `manage.py set_up_roles` says.
admin.site.unregister(User)
admin.site.register(User, PersonAdmin)
