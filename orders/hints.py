"""Things that look like a slip of the finger in the details: told, never refused."""

import re
from dataclasses import dataclass
from difflib import get_close_matches

from django.utils.translation import gettext as _

from orders.models import PO_BOX

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
NUMBER = re.compile(r"\d")


@dataclass(frozen=True)
class Hint:
    """A sentence about one field of the details form."""

    field: str
    sentence: str


@dataclass(frozen=True)
class Street:
    """The lines of an address in which a house or a PO box has its number."""

    street: str
    extra: str

    @property
    def is_unnumbered(self) -> bool:
        """Not for want of the number of a floor, by which no letter finds a house; a PO box may have none."""
        return not NUMBER.search(self.street) and not any(map(PO_BOX.match, (self.street, self.extra)))


def about(email: str, delivery: Street, billing: Street | None = None) -> list[Hint]:
    """What may be wrong with complete details; `billing` where that is another address."""
    hints = []
    domain = email.rpartition("@")[2].lower()
    if domain not in MAIL_DOMAINS and (similar := get_close_matches(domain, MAIL_DOMAINS, 1, SIMILAR)):
        hints.append(Hint("email", _("Did you mean %(domain)s?") % {"domain": similar[0]}))
    if delivery.is_unnumbered:
        hints.append(Hint("delivery_street", _("Is the house number missing?")))
    if billing and billing.is_unnumbered:
        hints.append(Hint("billing_street", _("Is the house number missing in the billing address?")))
    return hints
