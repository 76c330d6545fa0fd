"""The WSGI application: Django behind the shield of kept pages."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()

from config.page_shield import shielded  # noqa: E402  Django has to be set up first

application = shielded(_django)
