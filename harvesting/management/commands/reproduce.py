"""Decide a harvest that was once proposed again, from its stored record alone."""

import argparse
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import LotwiseError
from harvesting.reproduction import NOT_COMPARED, reproduced
from proposals.version import LOTWISE_VERSION


class Command(BaseCommand):
    """`manage.py reproduce PROPOSAL`: exit 0 when all that is compared follows from the record; harvests only."""

    help = __doc__

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("proposal", type=UUID, help="the proposal's id, as in its address")

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes nothing to the database."""
        try:
            found = reproduced(options["proposal"])
        except LotwiseError as refusal:
            raise CommandError(str(refusal)) from None
        one = found.proposal
        self.stdout.write(f"{one}, computed by version {one.code_version}: {one.sentence}")
        for difference in found.differences:
            self.stderr.write(
                f"{difference.name}: stored {difference.stored}, now {difference.again}"
            )
        if found.differences:
            raise CommandError(
                f"{len(found.differences)} figures came out otherwise in version {LOTWISE_VERSION}."
            )
        self.stdout.write(
            f"What was compared follows from the stored record: net ${found.draft.net:,.2f}."
        )
        self.stdout.write(f"Compared: {', '.join(found.compared)}.")
        for name, why in NOT_COMPARED.items():
            self.stdout.write(f"Not compared: {name} ({why}).")
