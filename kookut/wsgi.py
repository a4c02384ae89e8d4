"""The door for the web server (gunicorn kookut.wsgi)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kookut.settings")
application = get_wsgi_application()

from django.db import connection  # noqa: E402 - once the apps are there

from payments.books_mode import refuse_another_mode  # noqa: E402

refuse_another_mode()
connection.close()  # Whoever preloads this for several processes shares none among them.
