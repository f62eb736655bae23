"""``manage.py import_constituents FILE --model NAME [--firm NAME]``: a benchmark's constituents as a model's draft."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from rebalancing.model_changes.recipes import ExitRule
from rebalancing.model_changes.universe_drafts import (
    MOST_STEPS,
    Drafted,
    Reconstitution,
    draft_reconstitution,
    read_reconstitution,
)
from rebalancing.model_changes.universe_selectors import model_named, model_names
from securities.management.file_import import FileCommand, named_or_only_firm


class Command(FileCommand):
    help = "Draft a model's weights from a CSV file of dated constituents; all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--model", required=True, metavar="NAME", help="whose weights they are")
        parser.add_argument("--firm", metavar="NAME|ID", help="needed where there are several")
        parser.add_argument(
            "--exit-rule",
            choices=[rule.value for rule in ExitRule],
            default=ExitRule.NO_GAINS.value,
            help="what becomes of the shares of names that leave",
        )
        parser.add_argument(
            "--steps", type=int, default=1, metavar="N", help="trading days to get there"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        firm = named_or_only_firm(options["firm"])
        model = model_named(firm.pk, options["model"])
        if model is None:
            names = ", ".join(model_names(firm.pk)) or "none"
            raise CommandError(f"There is no model {options['model']!r}; there are: {names}.")
        if not 1 <= options["steps"] <= MOST_STEPS:
            raise CommandError(f"--steps is from 1 to {MOST_STEPS}.")
        path: Path = options["file"]
        with self.contents(path) as file:
            asked = {
                "model": model,
                "file": file,
                "name": path.name,
                "rule": ExitRule(options["exit_rule"]),
                "steps": options["steps"],
            }
            read = read_reconstitution(**asked)
            drafted = (
                None if options["dry_run"] else draft_reconstitution(**asked, author="command")
            )
        self._tell(read, path.name)
        self._tell_draft(drafted)

    def _tell(self, read: Reconstitution, name: str) -> None:
        found = read.difference
        self.stdout.write(
            f"{name}: {len(read.new.after)} constituents of {read.new.effective_on} for {read.model}: "
            f"{len(found.added)} come, {len(found.deleted)} leave, {len(found.changed)} weigh otherwise, turnover "
            f"{read.turnover:.2%}"
        )

    def _tell_draft(self, drafted: Drafted | None) -> None:
        if drafted is None:
            self.stdout.write("  nothing was written")
        elif drafted.version is None:
            self.stdout.write("  the model has these weights already: nothing to draft")
        else:
            told = "drafted, waits for a decision" if drafted.is_new else "known already"
            self.stdout.write(f"  {drafted.version} {told}")
