"""Look at one household for losses worth taking, and keep what was decided."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction

from accounts.selectors import firm_of
from harvesting import drafts, explanation, finder, lookback, price_history, selectors
from harvesting.economics import first_day_back, floors_on, to_the_cent
from harvesting.models import HarvestFinding
from harvesting.sales import percent
from harvesting.types import (
    ZERO,
    Book,
    Finding,
    HarvestResult,
    Outcome,
    Plan,
    Surroundings,
)
from harvesting.verification import clean_plan
from lots import selectors as lots_selectors
from lots.replay import replay
from lots.types import Ledger, LotRow
from lots.year_tax import TaxPosition
from proposals import departures
from proposals import selectors as proposal_selectors
from proposals import services as proposal_services
from proposals.compliance import coming_entries, entries_of, feasible, with_entries
from proposals.models import Proposal
from proposals.types import (
    ComingPurchase,
    Departure,
    Intention,
    ProposalKind,
    RestrictionKind,
    Restrictions,
    Side,
    Windows,
)
from proposals.year_ahead import year_ahead
from securities.calendar import next_business_date


def examine(*, household_id: int, as_of: date) -> HarvestResult:
    """Which losses of the household to take on ``as_of``, and why not each of the others. Reads only.

    A household without a loss above the floors costs six queries and no tax computation. ``reason`` is one of
    harvest_proposed, all_passed_over, no_loss_above_floor, no_taxable_lots, stale_prices, busy, no_tax_profile,
    ledger_ahead. Raises Household.DoesNotExist, LedgerError for a ledger that cannot be followed.
    """
    book = selectors.book(household_id, as_of)
    if any(lot.acquired > as_of for lot in book.lots):
        text = f"The ledger of this household runs past {as_of}: look at it on a later date."
        return HarvestResult(household_id, as_of, None, (), "ledger_ahead", text)
    lots, findings = finder.screen(book)
    if not lots:
        return HarvestResult(household_id, as_of, None, findings, *_nothing(book, findings))
    return _examine_losses(household_id, book, lots, findings)


def _examine_losses(
    household_id: int, book: Book, lots: tuple[LotRow, ...], screened: tuple[Finding, ...]
) -> HarvestResult:
    as_of = book.as_of
    under_way = proposal_selectors.intentions(household_id, as_of=as_of)
    if any(one.kind is ProposalKind.HARVEST for one in under_way):
        why = "An approved harvest of this household is still on its way."
        found = finder.passed_over(lots, book, Outcome.HOUSEHOLD_BUSY, why)
        return HarvestResult(household_id, as_of, None, (*screened, *found), "busy", why)
    tax, why = lots_selectors.tax_or_reason(household_id, as_of.year)
    if tax is None:
        found = finder.passed_over(lots, book, Outcome.NO_TAX_PROFILE, why)
        return HarvestResult(household_id, as_of, None, (*screened, *found), "no_tax_profile", why)
    ledger = lots_selectors.ledger(household_id)
    windows = proposal_selectors.windows(household_id, as_of)
    tax = year_ahead(
        tax,
        under_way=under_way,
        lots=book.lots,
        accounts=proposal_selectors.accounts_on_the_return(household_id),
        as_of=as_of,
    )
    coming = _coming(household_id, as_of)
    around = _surroundings(household_id, book, lots, ledger, under_way, windows, coming, tax)
    plan, around = clean_plan(book, lots, around, _with(ledger, under_way, book, coming))
    findings = finder.all_findings(screened, plan)
    if not plan.candidates:
        return HarvestResult(household_id, as_of, None, findings, *_all_passed_over(plan))
    draft = drafts.draft(
        household=household_id, plan=plan, findings=findings, book=book, around=around
    )
    return HarvestResult(household_id, as_of, draft, findings, "harvest_proposed", draft.sentence)


def _coming(household_id: int, as_of: date) -> tuple[ComingPurchase, ...]:
    """What will be bought by itself, seen from the next trading day: no order of this night is filled before it."""
    return proposal_selectors.coming_purchases(household_id, next_business_date(as_of))


def _surroundings(
    household_id: int,
    book: Book,
    lots: Sequence[LotRow],
    ledger: Ledger,
    under_way: Sequence[Intention],
    windows: Windows,
    coming: Sequence[ComingPurchase],
    tax: TaxPosition,
) -> Surroundings:
    """Everything around the losses, in a number of queries that does not depend on how many there are."""
    as_of = book.as_of
    firm_id = firm_of(household_id)
    at_loss = {lot.security for lot in lots}
    departed = departures.of_household(household_id, as_of)
    left = selectors.departures_told(departed, book.symbols)
    mapped = selectors.mapped(firm_id, household_id, as_of, at_loss, left=left)
    concerned = at_loss.union(*mapped.ranked.values())
    entries = {entry.id: entry for entry in ledger.entries}
    matches = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy).matches
    held = lookback.purchases_held(
        as_of=as_of, lots=book.lots, entries=entries, spent=lookback.spent_parts(matches)
    )
    figures = price_history.statistics(firm_id, as_of, sorted(concerned), _pairs(mapped.ranked))
    return Surroundings(
        tax=tax,
        coverage=lots_selectors.purchases_searched(household_id),
        substitutes=mapped.ranked,
        out_of_date=mapped.refused,
        left=mapped.left,
        by_hand={one: left[one] for chosen in mapped.by_hand.values() for one in chosen},
        delisted=book.delisted,
        costs=proposal_selectors.trading_costs(household_id, as_of),
        volatilities=figures.volatilities,
        pairs=figures.pairs,
        dividends=selectors.paid_dividends(at_loss, as_of),
        groups=lots_selectors.identical_sets(firm_id, as_of),
        purchases=(
            *held,
            *lookback.purchases_intended(under_way, as_of),
            *lookback.purchases_coming(coming),
        ),
        switches=tuple(one for one in coming if not one.counts),
        has_budget=proposal_selectors.gain_budget(household_id, as_of.year) is not None,
        blocks={lot.opening: lookback.order_of(entries[str(lot.opening)]) for lot in book.lots},
        buy_blocked=_not_to_buy(windows),
        no_sell={**_held(departed, left, lots, windows.restricted), **_not_to_sell(windows)},
        stays_sold=_stays_sold(book, lots, left, windows.restricted),
        reserved=windows.reserved,
        doubtful=selectors.price_jumps(
            concerned, as_of, book.symbols, book.rules.maximum_price_jump
        ),
        unreconciled={
            account: f"the lots of {book.account(account)} do not add up: {text}."
            for account, text in lots_selectors.unreconciled(household_id, as_of).items()
        },
    )


def _pairs(ranked: Mapping[int, tuple[int, ...]]) -> list[tuple[int, int]]:
    return [(security, one) for security, others in sorted(ranked.items()) for one in others]


# What has a largest weight is nobody's substitute either: a pair is dollar for dollar, however much is held already.
_NOT_TO_BUY = (RestrictionKind.NO_BUY, RestrictionKind.MUST_SELL, RestrictionKind.MAX_WEIGHT)


def _not_to_buy(windows: Windows) -> dict[int, str]:
    """Security -> why; what one account must not buy is nobody's substitute in the whole household."""
    told = {security: block.told for security, block in windows.buy_blocked.items()}
    for row in windows.restricted.rows:
        if row.kind in _NOT_TO_BUY:
            told.setdefault(row.security, f"not to be bought: {row.dated}")
    return told


def _held(
    departed: Mapping[int, Departure],
    left: Mapping[int, str],
    lots: Iterable[LotRow],
    restricted: Restrictions,
) -> dict[tuple[int, int], str]:
    """(account, security) -> why nothing of it is sold: its exit rule holds what left the model (F18)."""
    return {
        (lot.account, lot.security): f"{left[lot.security]}, and its exit rule holds it."
        for lot in lots
        if lot.security in departed
        and departed[lot.security].holds(account=lot.account, security=lot.security, by=restricted)
    }


def _stays_sold(
    book: Book,
    lots: Iterable[LotRow],
    left: Mapping[int, str],
    restricted: Restrictions,
) -> dict[tuple[int, int], str]:
    """(account, security) -> why nothing of it is bought back once its window is over, a clause.

    It left the model (F18), will not trade by then, or must not be bought by then as far as anybody has said (F37).
    """
    back_on = first_day_back(book.as_of)
    found = {}
    for account, security in {(lot.account, lot.security) for lot in lots}:
        symbol = book.symbol(security)
        barred = restricted.against(Side.BUY, account=account, security=security)
        if security in left:
            found[account, security] = left[security]
        elif security in book.ending:
            found[account, security] = f"{symbol} no longer trades from {book.ending[security]}"
        elif barred is not None and (barred.until is None or barred.until >= back_on):
            found[account, security] = (
                f"{symbol} must not be bought in {book.account(account)}: {barred.dated}"
            )
    return found


def _not_to_sell(windows: Windows) -> dict[tuple[int, int], str]:
    """(account, security) -> why it must not be sold."""
    found = {}
    for account, security in windows.no_sell:
        row = windows.restricted.against(Side.SELL, account=account, security=security)
        found[account, security] = f"not to be sold: {row.dated}." if row else "not to be sold."
    return found


def _with(
    ledger: Ledger,
    under_way: Sequence[Intention],
    book: Book,
    coming: Sequence[ComingPurchase],
) -> Ledger:
    """The ledger as it will be when the open proposals have been traded, and with what will be bought by itself."""
    possible = feasible(under_way, {(lot.opening, lot.part): lot for lot in book.lots})
    entries = entries_of(possible, book.as_of, prefix="under-way")
    return with_entries(ledger, (*entries, *coming_entries(coming)))


def _nothing(book: Book, findings: Sequence[Finding]) -> tuple[str, str]:
    """Reason and sentence for a household in which no loss passed the screen."""
    taxable = [lot for lot in book.lots if book.accounts[lot.account].is_taxable]
    if not taxable:
        return "no_taxable_lots", "No taxable account of this household holds a lot."
    if not any(book.is_fresh(lot.security) for lot in taxable):
        limit = book.rules.maximum_price_age_days
        return (
            "stale_prices",
            f"No lot has a price of the last {limit} trading days: import prices.",
        )
    largest = max((finding.loss for finding in findings), default=ZERO)
    dollars, fraction = floors_on(book.as_of, book.rules)
    return (
        "no_loss_above_floor",
        f"No loss passes the floors: {len(taxable)} taxable lots looked at, largest loss "
        f"${largest:,.2f}, floor ${dollars:,.2f} and {percent(fraction)} of the basis.",
    )


def _all_passed_over(plan: Plan) -> tuple[str, str]:
    counts: dict[Outcome, int] = {}
    for finding in plan.findings:
        counts[finding.outcome] = counts.get(finding.outcome, 0) + 1
    told = ", ".join(
        f"{outcome.value.replace('_', ' ')} {count}" for outcome, count in sorted(counts.items())
    )
    return "all_passed_over", f"Every loss above the floors was passed over: {told}."


@transaction.atomic(savepoint=False)
def store(
    *, result: HarvestResult, pending: Collection[ProposalKind] | None = None
) -> Proposal | None:
    """Keep the findings of this scan instead of the last one's, and put the draft before the adviser.

    The caller holds the household's lock, and has a savepoint where it goes on after BadDraft. A pending harvest of an
    earlier night is superseded either way. Findings that say the same as the stored ones are left as they are.
    """
    _keep_findings(result)
    return proposal_services.put_forward(
        draft=result.draft,
        household_id=result.household,
        kind=ProposalKind.HARVEST,
        as_of=result.as_of,
        pending=pending,
    )


def _keep_findings(result: HarvestResult) -> None:
    rows = [
        HarvestFinding(
            household_id=result.household,
            as_of=result.as_of,
            account_id=finding.account,
            security_id=finding.security,
            opening_id=finding.opening,
            part=finding.part,
            outcome=finding.outcome,
            detail=finding.detail,
            quantity=finding.quantity,
            loss=finding.loss,
            substitute_id=finding.substitute,
            wait_until=finding.wait_until,
            **_sum_of(finding),
        )
        for finding in result.findings
    ]
    stored = HarvestFinding.objects.filter(household=result.household)
    if sorted(map(_said, rows)) != sorted(map(_said, stored)):
        stored.delete()
        HarvestFinding.objects.bulk_create(rows)


def _sum_of(finding: Finding) -> dict[str, Any]:
    """The stored sum: S, K and the net as columns, everything in words for the page."""
    if finding.terms is None:
        return {}
    told = explanation.terms_told(finding.terms, finding.amount)
    return {
        "tax_saved": to_the_cent(finding.terms.saved),
        "cost": to_the_cent(finding.terms.cost),
        "net": to_the_cent(finding.terms.net),
        "terms": {name: value for name, value in told.items() if value},
    }


def _said(row: HarvestFinding) -> tuple[object, ...]:
    return (
        row.opening_id, row.part, str(row.outcome), row.as_of, row.detail, row.quantity, row.loss,
        row.net, row.substitute_id or 0, str(row.wait_until), sorted(row.terms.items()),
    )  # fmt: skip
