"""Start everything and serve until Ctrl-C."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.environment import env_bool, env_int, whole_number
from config.servers import ServerError
from config.supervisor import Supervisor, UpError


class Command(BaseCommand):
    """`manage.py up`; `make run` is the same after making the environment."""

    help = "Start database, queue, worker, beat and web server; Ctrl-C ends all of them."
    requires_system_checks = []  # migrate runs them, once the database is there

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Both have a default that suits a first look."""
        parser.add_argument("--port", help="web address's port (PORT, else 8000)")
        parser.add_argument(
            "--no-demo", action="store_true", help="leave an empty database without the demo firm"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 after a wanted end, 1 with one clear message otherwise."""
        port = _port(options["port"])
        supervisor = Supervisor(
            port=port,
            state=settings.DATA_DIR,
            say=lambda line: self._say(line),
            demo=not options["no_demo"] and env_bool("LOTWISE_DEMO", default=True),
        )
        try:
            supervisor.run()
        except (UpError, ServerError) as trouble:
            raise CommandError(str(trouble)) from trouble

    def _say(self, line: str) -> None:
        try:
            self.stdout.write(line)
            self.stdout.flush()
        except OSError:  # the terminal has gone; the work of stopping goes on
            pass


def _port(chosen: str | int | None) -> int:
    if chosen is None:
        return env_int("PORT", default=8000, least=1, most=65535)
    return whole_number(f"--port {chosen}", str(chosen), least=1, most=65535)
