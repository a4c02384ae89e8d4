"""The door for the web server (gunicorn kookut.wsgi)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kookut.settings")
application = get_wsgi_application()
