"""The same page in the other languages: the address's prefix is the only difference (French has none)."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language, get_language_from_path, get_language_from_request


@dataclass(frozen=True)
class Alternate:
    """One language's version of a page."""

    code: str
    name: str
    """In that language itself."""
    url: str
    """Path and query."""
    current: bool

    @property
    def address(self) -> str:
        """For who comes from elsewhere."""
        return f"{settings.SITE_URL}{self.url}"


def alternates(path: str) -> list[Alternate]:
    """The page of that path (as in French), in each language of the shop."""
    return [
        Alternate(code, name, path if code == settings.LANGUAGE_CODE else f"/{code}{path}", code == get_language())
        for code, name in settings.LANGUAGES
    ]


def preferred(request: HttpRequest) -> Alternate | None:
    """This page in the language that the browser asks for, where the address names none, which is French."""
    if get_language_from_path(request.path_info):
        return None
    wanted = get_language_from_request(request)
    return next((one for one in alternates(unprefixed(request)) if one.code == wanted and not one.current), None)


def unprefixed(request: HttpRequest) -> str:
    """The path and query that were asked for, as in French."""
    here = request.get_full_path()
    if get_language_from_path(request.path_info):
        here = here.removeprefix("/" + request.path_info.split("/")[1])
    return here
