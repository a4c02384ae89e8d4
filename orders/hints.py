"""Things that look like a slip of the finger in the details: told, never refused."""

from dataclasses import dataclass
from difflib import get_close_matches

from django.utils.translation import gettext as _

# Where Swiss customers have their mail. A domain of this list is never questioned.
MAIL_DOMAINS = (
    "gmail.com", "bluewin.ch", "hotmail.com", "hotmail.ch", "hotmail.fr", "outlook.com", "outlook.fr", "icloud.com",
    "me.com", "mac.com", "yahoo.com", "yahoo.fr", "ymail.com", "gmx.ch", "gmx.net", "gmx.de", "gmx.com", "mail.com",
    "email.com", "live.com", "live.fr", "msn.com", "proton.me", "protonmail.com", "protonmail.ch", "pm.me",
    "sunrise.ch", "hispeed.ch", "vtxnet.ch", "netplus.ch", "citycable.ch", "romandie.com", "infomaniak.ch", "ik.me",
    "green.ch", "swissonline.ch", "tiscali.it", "libero.it", "web.de", "t-online.de", "orange.fr", "free.fr",
    "laposte.net", "wanadoo.fr", "sfr.fr", "epfl.ch", "ethz.ch", "unige.ch", "unil.ch", "unibe.ch", "unifr.ch",
    "unibas.ch", "unisg.ch", "unine.ch", "uzh.ch", "adon.li",
)  # fmt: skip
SIMILAR = 0.85


@dataclass(frozen=True)
class Hint:
    """A sentence about one field of the details form."""

    field: str
    sentence: str


def about(email: str, street: str, extra: str) -> list[Hint]:
    """What may be wrong with complete details. `extra` is the address's second line, where a PO box has its number."""
    hints = []
    domain = email.rpartition("@")[2].lower()
    if domain not in MAIL_DOMAINS and (similar := get_close_matches(domain, MAIL_DOMAINS, 1, SIMILAR)):
        hints.append(Hint("email", _("Did you mean %(domain)s?") % {"domain": similar[0]}))
    if not any(character.isdigit() for character in street + extra):
        hints.append(Hint("delivery_street", _("Is the house number missing?")))
    return hints
