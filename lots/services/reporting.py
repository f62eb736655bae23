"""Figures of a tax year that are given out are kept as they were then."""

import json

from django.db import transaction

from accounts.access import Action, require
from accounts.canonical import canonical_text, sha256_of
from accounts.errors import Conflict
from accounts.locks import lock_household
from accounts.models import Household, User
from accounts.services import record_audit
from lots.models import ReportedYear
from lots.reports.reported_figures import reported_figures
from lots.selectors.reports import tax_years
from lots.selectors.tax_desk import TaxDesk, desk_of, tax_desk
from lots.selectors.year_reports import year_report


@transaction.atomic
def mark_reported(*, user: User, household: Household, year: int) -> ReportedYear:
    """Keep the year's figures of every return of the household, with who gave them out. Append-only.

    Raises NotAllowed, NoSuchReturn for a household without a taxable account, and Conflict for a year that has no
    figures or has not begun: what is kept cannot be taken back.
    """
    require(user, Action.DECIDE)
    lock_household(household.pk)
    desk = tax_desk(household, year)
    if year > desk.as_of.year or year not in tax_years(household.pk):
        raise Conflict(f"There are no figures of {year} to report: nothing was kept.")
    text = figures_text(desk)
    row = ReportedYear.objects.create(
        household=household, year=year, figures=text, figures_sha256=sha256_of(text), author=user
    )
    record_audit(
        firm=household.firm,
        actor=user.username,
        action="tax_year.reported",
        subject=f"household {household.public_id}",
        facts={"year": year, "figures_sha256": row.figures_sha256, "returns": _returns(text)},
    )
    return row


def figures_text(desk: TaxDesk) -> str:
    """The canonical text of the year's figures, all returns of the household."""
    returns = [
        (filing, year_report(desk_of(desk.books, desk.year, filing.key)))
        for filing in desk.filings
        if filing.is_return
    ]
    return canonical_text(reported_figures(desk.year, desk.as_of, returns))


def differs_from_reported(desk: TaxDesk, reported: ReportedYear) -> bool:
    """Whether a return's figures are other ones than those given out."""
    kept, now = _returns(reported.figures), _returns(figures_text(desk))
    # Figures of an older format lack what is kept since.
    return len(kept) != len(now) or any(
        before[key] != after.get(key)
        for before, after in zip(kept, now, strict=True)
        for key in before
    )


def _returns(text: str) -> list[dict[str, object]]:
    """Without whether they were provisional: that passes with time alone."""
    returns = json.loads(text)["returns"]
    return [{key: one[key] for key in one if key != "provisional"} for one in returns]
