"""Sessions in the database."""

import re

from django.contrib.sessions.backends import db

KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(db.SessionStore):
    """Asks the database for no key that cannot be one: PostgreSQL has no word for a NUL, which a cookie may hold."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key if session_key and KEY.fullmatch(session_key) else None)
