#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError

from config import reaching

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a wrong environment is said, not traced
        sys.exit(str(error))
    except DatabaseError as error:
        if not (fault := reaching.database_fault(error)):
            raise
        sys.exit(fault)
    except KeyboardInterrupt:  # Ctrl-C while a command migrates or imports: what it had not committed is not there
        sys.exit("Stopped.")
