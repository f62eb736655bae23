"""From what a household brought along to its model: what each yearly budget comes to."""

import argparse
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.selectors import business_date
from accounts.typed_day import typed_day
from accounts.typed_dollars import DollarsField
from lots.errors import LedgerError
from proposals.budgets import Budget
from rebalancing.errors import RebalancingError
from rebalancing.transition import selectors as transition_selectors
from rebalancing.transition.schedule import Schedule, Transition

_KINDS = ("gain", "long", "short", "tax")


class Command(BaseCommand):
    """`manage.py transition HOUSEHOLD [--as-of DATE] [--budget KIND=DOLLARS ...]`; writes nothing."""

    help = __doc__

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Without a budget: the scenarios, and the plan under way."""
        parser.add_argument("household", help="id, public id or exact name")
        parser.add_argument("--as-of", metavar="DATE", help="today")
        parser.add_argument(
            "--budget",
            metavar="KIND=DOLLARS",
            action="append",
            default=[],
            help="of each year: long=, short= or tax=; gain= is long= with no short-term gains. Several may be given.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the table of scenarios, then the years of the budget or of the plan."""
        household = transition_selectors.named_household(options["household"])
        if household is None:
            raise CommandError(
                f"There is no single household {options['household']!r}: give its id or exact name."
            )
        as_of = typed_day(options["as_of"]) or business_date(household.firm)
        limits = _limits(options["budget"], as_of.year)
        plan = transition_selectors.plan(household.pk)
        if limits is None and plan is not None:
            limits = transition_selectors.limits_of(plan, as_of.year)
        try:
            answers = transition_selectors.planner(household.pk, as_of)
            self._print(_scenarios(answers.analysis()))
            if limits is not None:
                self._print(_years(answers.schedule(limits)))
        except (RebalancingError, LedgerError) as error:
            raise CommandError(str(error)) from None

    def _print(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def _limits(given: list[str], year: int) -> Budget | None:
    found: dict[str, Decimal] = {}
    for text in given:
        kind, _, dollars = text.partition("=")
        if kind not in _KINDS:
            raise CommandError(f"{text!r} is no budget: write long=50000, short=0 or tax=20000.")
        try:
            amount = DollarsField(kind).clean(dollars)
        except ValidationError as refusal:
            raise CommandError(f"{text!r} is no budget: {' '.join(refusal.messages)}") from None
        if amount is None:
            raise CommandError(f"{text!r} is no budget: write long=50000, short=0 or tax=20000.")
        found[kind] = amount
    if not found:
        return None
    gain = found.get("gain")
    return Budget(
        year=year,
        short_limit=found.get("short", None if gain is None else Decimal(0)),
        long_limit=found.get("long", gain),
        tax_limit=found.get("tax"),
    )


def _scenarios(analysis: Transition) -> Iterator[str]:
    yield (
        f"{analysis.day}: ${analysis.value:,.0f}, ${analysis.legacy:,.0f} of it not in the model with "
        f"${analysis.legacy_gain:,.0f} of unrealised gain; tracking error {analysis.risk_now:.2%}."
    )
    yield f"{'Budget':>7} {'Short':>10} {'Long':>12} {'Tax now':>12} {'Cost':>9} {'TE':>7} {'Sold':>7}  Years"
    for column in analysis.columns:
        budget, first = column.budget, column.first
        short = "no limit" if budget is None else f"{budget.short_limit:,.0f}"
        long = "no limit" if budget is None else f"{budget.long_limit:,.0f}"
        if first is None:
            yield f"{column.share:>7.0%} {short:>10} {long:>12}  {column.schedule.why}"
            continue
        sold = f"{first.legacy_sold / analysis.legacy:.1%}" if analysis.legacy else "-"
        yield (
            f"{column.share:>7.0%} {short:>10} {long:>12} {first.tax:>12,.2f} {first.cost:>9,.2f} "
            f"{first.risk_after:>7.2%} {sold:>7}  {_finish(column.schedule)}"
        )


def _years(schedule: Schedule) -> Iterator[str]:
    yield f"Year by year, at today's prices: {_finish(schedule)}."
    yield (
        f"{'Year':>4} {'Day':>10} {'Sold':>12} {'Bought':>12} {'Short gain':>11} {'Long gain':>12} {'Tax':>11} "
        f"{'TE':>7} {'Legacy left':>12}"
    )
    for step in schedule.steps:
        yield (
            f"{step.number:>4} {step.day} {step.sold:>12,.0f} {step.bought:>12,.0f} {_whole(step.short_gain):>11,} "
            f"{_whole(step.long_gain):>12,} {step.tax:>11,.2f} {step.risk_after:>7.2%} {step.legacy_after:>12,.0f}"
        )


def _whole(dollars: Decimal) -> int:
    """Whole dollars; no minus before a zero."""
    return round(dollars)


def _finish(schedule: Schedule) -> str:
    if schedule.years is not None:
        return str(schedule.years)
    return schedule.ending.value + (f": {schedule.why}" if schedule.why else "")
