"""The tax reports of a household: rows from the tables, put together as the pure modules want them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from accounts.selectors import tax_profile
from accounts.types import FilingStatus
from lots.coverage import LeftOut, left_out
from lots.errors import LedgerError, NoTaxPosition
from lots.netting import YearInputs, with_gains
from lots.reports.alternatives import Readings, alternatives, switches
from lots.reports.contents import (
    HeldWords,
    LineWords,
    YearReport,
    carryforward_report,
    reconciliation_report,
    unrealized_report,
)
from lots.reports.filings import why_no_profile
from lots.reports.form_8949 import Box, Form8949, FormSale, form_8949
from lots.reports.gains import PricedLot, unrealized
from lots.reports.heading import Heading, open_sales, quiet_sentence
from lots.reports.readings import readings_report
from lots.reports.reconciliation import RowKey, as_stored, reconcile
from lots.reports.schedule_d import Brought, ScheduleD, carryforward, schedule_d
from lots.reports.tables import Report
from lots.reports.wash_status import is_provisional, quiet_accounts, status, unchecked
from lots.selectors import reports as stored
from lots.selectors.holdings import open_lots
from lots.selectors.reports import ReportAccount, SoldLot
from lots.selectors.tax_desk import TaxDesk
from lots.selectors.tax_years import realized, year_inputs
from lots.types import IndexFundPolicy, RealizedLot
from securities.selectors import latest_prices


def heading(desk: TaxDesk) -> Heading:
    """What every report of the return says first."""
    names = {sold.row.sale: sold.sale_name for sold in desk.sold}
    unseen = {
        account.account.id: account.label
        for sold_from in _sellers(desk)
        for account in _held_away(desk, sold_from)
    }
    return Heading(
        household=desk.household.name,
        filing=desk.filing.title,
        year=desk.year,
        as_of=desk.as_of,
        booked_through=desk.booked_through,
        is_provisional=is_provisional(desk.year, desk.rows, desk.seen_to),
        open_sales=open_sales(
            desk.rows, desk.as_of, desk.booked_through, names=names, symbols=desk.books.symbols
        ),
        unchecked=tuple(unseen.values()),
        unlisted=_unlisted(desk),
        policy=switches(desk.books.policy),
        left_out=_left_out(desk),
        quiet=_quiet(desk),
    )


def _sellers(desk: TaxDesk) -> tuple[ReportAccount, ...]:
    """The accounts whose sales are on the return."""
    return tuple(
        one
        for one in desk.books.accounts.values()
        if one.account.owner in desk.filing.owners and one.account.kind.is_taxable
    )


def _left_out(desk: TaxDesk) -> tuple[LeftOut, ...]:
    sellers = [one.account for one in _sellers(desk)]
    everybody = [one.named for one in desk.books.accounts.values()]
    return left_out(sellers, everybody, desk.books.policy)


def _quiet(desk: TaxDesk) -> tuple[str, ...]:
    accounts = desk.books.accounts
    found = quiet_accounts(
        desk.rows,
        {key: one.account for key, one in accounts.items()},
        stored.last_booked(desk.household.pk),
        imported=[key for key, one in accounts.items() if not one.held_away],
        policy=desk.books.policy,
        as_of=desk.as_of,
    )
    return tuple(quiet_sentence(one, accounts[one.account].label) for one in found)


def _unlisted(desk: TaxDesk) -> tuple[str, ...]:
    """Taxable accounts held away: their own sales are in no ledger."""
    return tuple(one.label for one in _sellers(desk) if one.held_away)


def _held_away(desk: TaxDesk, seller: ReportAccount) -> tuple[ReportAccount, ...]:
    away = [one.account for one in desk.books.accounts.values() if one.held_away]
    return tuple(
        desk.books.accounts[account.id]
        for account in unchecked(seller.account, away, desk.books.policy)
    )


def year_report(desk: TaxDesk) -> YearReport:
    """Form 8949 and Schedule D of the return."""
    form = _form(desk)
    return YearReport(
        heading=heading(desk),
        form=form,
        schedule=_schedule(desk, form, desk.year),
        words={_key(sold.row): _words(desk, sold) for sold in desk.sold},
        remark=desk.why_no_brokers if desk.rows else "",
    )


def _form(desk: TaxDesk) -> Form8949:
    """The one form that every report of the return and year ties to."""
    return form_8949([_form_sale(desk, sold) for sold in desk.sold])


def _form_sale(desk: TaxDesk, sold: SoldLot) -> FormSale:
    return FormSale(
        row=sold.row,
        symbol=sold.symbol,
        is_fund=sold.is_fund,
        is_inherited=sold.is_inherited,
        broker=desk.brokers.get(_key(sold.row)),
    )


def _words(desk: TaxDesk, sold: SoldLot) -> LineWords:
    account = desk.books.accounts[sold.row.account]
    away = [one.account for one in _held_away(desk, account)]
    return LineWords(
        owner=account.owner,
        account=account.label,
        sale=sold.sale_name,
        lot=sold.lot_name,
        rules=" ".join(sold.rule_ids),
        status=status(sold.row, desk.seen_to, away),
    )


def _schedule(desk: TaxDesk, form: Form8949, year: int) -> ScheduleD:
    brought = _brought(desk.household.pk, year)
    if brought is None or not desk.filing.is_whole:
        why = why_no_profile(desk.filing, year, is_entered=brought is not None)
        return schedule_d(form, why_no_inputs=why)
    inputs, why = _inputs(desk.household.pk, year)
    return schedule_d(form, brought=brought, inputs=inputs, why_no_inputs=why)


def _brought(household_id: int, year: int) -> Brought | None:
    profile = tax_profile(household_id, year)
    if profile is None:
        return None
    return Brought(
        filing_status=FilingStatus(profile.filing_status),
        short_outside=profile.short_outside,
        long_outside=profile.long_outside,
        short_carryover=profile.short_carryover,
        long_carryover=profile.long_carryover,
    )


def _inputs(household_id: int, year: int) -> tuple[YearInputs | None, str]:
    """The year without the sales that the form lists; None with the reason where income is not known."""
    try:
        inputs = year_inputs(household_id, year)
    except NoTaxPosition as missing:
        return None, str(missing)
    if inputs is None:
        return None, ""
    listed = realized(household_id, year)
    return with_gains(inputs, short=-listed.short, long=-listed.long), ""


def reconciliation(desk: TaxDesk) -> Report:
    """The return's disallowed losses beside its brokers' (R27)."""
    year = year_report(desk)
    not_reported = frozenset(
        _key(line.sale.row) for line in year.form.lines if line.box not in (Box.A, Box.D)
    )
    reconciled = reconcile(
        rows=desk.rows,
        matches=stored.wash_matches(desk.household.pk, desk.year),
        figures=desk.brokers,
        accounts={key: one.account for key, one in desk.books.accounts.items()},
        security_of=stored.bought_securities(desk.household.pk),
        seen=desk.seen_by_brokers,
        not_reported=not_reported,
    )
    return reconciliation_report(year, reconciled, desk.books.symbols)


def other_readings(desk: TaxDesk) -> Report:
    """The return's year under other readings of the unsettled points."""
    try:
        return readings_report(heading(desk), _readings(desk))
    except LedgerError as refused:
        return readings_report(heading(desk), None, remark=str(refused))


def _readings(desk: TaxDesk) -> Readings:
    mine = {
        key for key, one in desk.books.accounts.items() if one.account.owner in desk.filing.owners
    }
    other = {
        reading: stored.groups_under(desk.household.pk, reading)
        for reading in IndexFundPolicy
        if reading is not desk.books.policy.index_funds
    }
    return alternatives(
        desk.books.ledger, desk.year, accounts=mine, groups_by_reading=other, kept=as_stored
    )


def held(desk: TaxDesk) -> Report:
    """Unrealised gains of the return's accounts at the latest prices."""
    prices = latest_prices(desk.household.firm_id, desk.as_of)
    lots = [
        lot
        for lot in open_lots(desk.household.pk)
        if (account := desk.books.accounts[str(lot.account)].account).kind.is_taxable
        and account.owner in desk.filing.owners
    ]
    names = stored.entry_names([lot.opening for lot in lots])
    priced = [
        PricedLot(lot, None)
        if (quote := prices.get(lot.security)) is None
        else PricedLot(lot, quote.price, quote.day)
        for lot in lots
    ]
    return unrealized_report(
        heading(desk),
        [
            (
                HeldWords(
                    owner=desk.books.accounts[str(lot.account)].owner,
                    account=desk.books.accounts[str(lot.account)].label,
                    symbol=desk.books.symbols[str(lot.security)],
                    lot=names[lot.opening],
                ),
                one,
            )
            for lot, one in zip(lots, unrealized(priced, desk.as_of), strict=True)
        ],
    )


def carried(desk: TaxDesk) -> Report:
    """Capital losses carried through the household's years up to the desk's."""
    years = [year for year in stored.tax_years(desk.household.pk) if year <= desk.year]
    schedules, brought = _schedules(desk, years)
    return carryforward_report(heading(desk), carryforward(schedules, brought))


def _schedules(
    desk: TaxDesk, years: Sequence[int]
) -> tuple[dict[int, ScheduleD], Mapping[int, Brought]]:
    schedules, brought = {}, {}
    for year in years:
        there = replace(desk, year=year)
        form = _form(there)
        schedules[year] = _schedule(there, form, year)
        entered = _brought(desk.household.pk, year) if desk.filing.is_whole else None
        if entered is not None:
            brought[year] = entered
    return schedules, brought


def _key(row: RealizedLot) -> RowKey:
    return row.sale, row.lot, row.part
