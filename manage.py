#!/usr/bin/env python
"""Lotwise's command line; `python manage.py up` starts everything."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError

from config import servers


def main() -> None:
    """Run a command against DATABASE_URL and REDIS_URL, by default the checkout's embedded servers."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded = servers.address_defaults()
    for name, address in embedded.items():
        if not os.environ.get(name):
            os.environ[name] = address
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as mistake:
        sys.exit(str(mistake))
    except KeyboardInterrupt:
        sys.exit(130)
    except OperationalError:
        if os.environ["DATABASE_URL"] != embedded["DATABASE_URL"]:
            raise
        if servers.PostgresServer(servers.place_of_checkout()).socket.exists():
            raise
        sys.exit("The database is not running: start it with `make run`, or set DATABASE_URL.")


if __name__ == "__main__":
    main()
