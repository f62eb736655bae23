"""Look at one household for gains worth taking, and put them before the adviser."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from accounts.selectors import firm_of
from harvesting import gain_drafts, gains, selectors
from harvesting.economics import later_rate
from harvesting.gains import GainFinding, GainSurroundings
from harvesting.types import Book
from lots import selectors as lot_selectors
from lots.types import Ledger
from lots.year_tax import TaxPosition
from proposals import departures
from proposals import selectors as proposal_selectors
from proposals import services as proposal_services
from proposals.compliance import entries_of, feasible, with_entries
from proposals.models import Proposal
from proposals.types import DraftProposal, Intention, ProposalKind, Side, Windows
from proposals.year_ahead import year_ahead

OFF = "gains_off"


@dataclass(frozen=True, slots=True)
class GainResult:
    """What a look at one household came to. ``reason`` is a stable code, ``detail`` one plain sentence."""

    household: int
    as_of: date
    draft: DraftProposal | None
    findings: tuple[GainFinding, ...]
    reason: str
    detail: str

    @property
    def is_on(self) -> bool:
        """Whether the household's policy asks for gains at all: else nothing was looked at."""
        return self.reason != OFF


def examine_gains(
    *, household_id: int, as_of: date, drafts: Sequence[DraftProposal] = ()
) -> GainResult:
    """Which gains of the household to take on ``as_of``, buying the same shares back. Reads only.

    ``drafts`` are all other proposals of the night: they count as filled, and what they sell is left alone. A household
    whose policy does not ask for gains costs two queries. ``reason`` is one of gains_off, gains_proposed,
    no_gain, no_later_tax, gains_busy, no_tax_profile, ledger_ahead. Raises Household.DoesNotExist,
    LedgerError for a ledger that cannot be followed.
    """

    def nothing(reason: str, detail: str, *findings: GainFinding) -> GainResult:
        return GainResult(household_id, as_of, None, findings, reason, detail)

    if not selectors.rules(firm_of(household_id), household_id).harvests_gains:
        return nothing(OFF, "The policy of this household takes no gains.")
    under_way = proposal_selectors.intentions(household_id, as_of=as_of)
    if any(one.kind is ProposalKind.GAIN_HARVEST for one in under_way):
        return nothing("gains_busy", "An approved gain harvest is still on its way.")
    book = selectors.book(household_id, as_of)
    if any(lot.acquired > as_of for lot in book.lots):
        return nothing("ledger_ahead", f"The ledger of this household runs past {as_of}.")
    tax, why = lot_selectors.tax_or_reason(household_id, as_of.year)
    if tax is None:
        return nothing("no_tax_profile", why)
    if later_rate(book.rules, tax) <= 0:
        text = (
            "A gain taken now avoids no later tax: one more long-term dollar costs nothing today and the policy names "
            "no future rate. Set its future_rate to what a later sale is expected to be taxed at."
        )
        return nothing("no_later_tax", text)
    around = _surroundings(household_id, book, under_way, tax, drafts)
    ledger = _ledger(household_id, book, under_way, drafts)
    plan = gains.clean_plan(book, around, ledger)
    if not plan.pairs:
        return nothing("no_gain", _nothing_taken(plan.findings), *plan.findings)
    draft = gain_drafts.draft(household=household_id, plan=plan, book=book, around=around)
    return GainResult(household_id, as_of, draft, plan.findings, "gains_proposed", draft.sentence)


def store_gains(
    *, result: GainResult, pending: Collection[ProposalKind] | None = None
) -> Proposal | None:
    """Put the draft before the adviser; a pending gain harvest of an earlier night is superseded either way.

    The caller holds the household's lock inside a transaction.
    """
    return proposal_services.put_forward(
        draft=result.draft,
        household_id=result.household,
        kind=ProposalKind.GAIN_HARVEST,
        as_of=result.as_of,
        pending=pending,
    )


def _surroundings(
    household_id: int,
    book: Book,
    under_way: Sequence[Intention],
    tax: TaxPosition,
    drafts: Sequence[DraftProposal],
) -> GainSurroundings:
    """Everything around the gains, in a number of queries that does not depend on how many there are."""
    as_of = book.as_of
    firm_id = firm_of(household_id)
    windows = proposal_selectors.windows(household_id, as_of, drafts=drafts)
    accounts = proposal_selectors.accounts_on_the_return(household_id)
    drafted = [trade for draft in drafts for trade in draft.trades]
    held = {lot.security for lot in book.lots if lot.account in accounts}
    return GainSurroundings(
        tax=year_ahead(
            tax,
            under_way=under_way,
            drafts=drafts,
            lots=book.lots,
            accounts=accounts,
            as_of=as_of,
        ),
        costs=proposal_selectors.trading_costs(household_id, as_of),
        coverage=lot_selectors.purchases_searched(household_id),
        accounts=accounts,
        usage=proposal_selectors.budget_usage(household_id, as_of, drafts=drafts),
        buy_blocked={security: block.told for security, block in windows.buy_blocked.items()},
        restricted=_left_the_model(household_id, book)
        | _restricted(book, windows)
        | _unreconciled(book, lot_selectors.unreconciled(household_id, as_of)),
        reserved=windows.reserved,
        sold_tonight=frozenset(trade.security for trade in drafted if trade.side is Side.SELL),
        groups=lot_selectors.identical_sets(firm_id, as_of),
        doubtful=selectors.price_jumps(
            held, as_of, book.symbols, largest=book.rules.maximum_price_jump
        )
        | selectors.no_longer_traded(book),
    )


def _left_the_model(household_id: int, book: Book) -> dict[tuple[int, int], str]:
    """Positions that left the model: what is sold of them is not bought back (F18)."""
    left = selectors.departures_told(
        departures.of_household(household_id, book.as_of), book.symbols
    )
    return {
        (lot.account, lot.security): f"{left[lot.security]}: it is not bought back."
        for lot in book.lots
        if lot.security in left
    }


def _unreconciled(book: Book, differing: Mapping[int, str]) -> dict[tuple[int, int], str]:
    """Positions of accounts whose lots are not what the custodian holds (T53)."""
    return {
        (
            lot.account,
            lot.security,
        ): f"{book.account(lot.account)} is not reconciled: {differing[lot.account]}"
        for lot in book.lots
        if lot.account in differing
    }


def _restricted(book: Book, windows: Windows) -> dict[tuple[int, int], str]:
    """Positions that must not be sold or must not be bought, each with the sentence why (F37)."""
    found = {}
    for account, security in {(lot.account, lot.security) for lot in book.lots}:
        for side in Side:
            broken = windows.restricted.against(side, account=account, security=security)
            if broken is not None:
                verb = "bought" if side is Side.BUY else "sold"
                found[account, security] = (
                    f"{book.symbol(security)} must not be {verb} in {book.account(account)}: {broken.dated}."
                )
        held = windows.restricted.hold_gains(account=account, security=security)
        if held is not None:
            found[account, security] = (
                f"{book.symbol(security)} is held for its gains in {book.account(account)}: {held.dated}."
            )
    return found


def _ledger(
    household_id: int,
    book: Book,
    under_way: Sequence[Intention],
    drafts: Sequence[DraftProposal],
) -> Ledger:
    """The ledger as it will be when everything else has been traded."""
    possible = feasible(under_way, {(lot.opening, lot.part): lot for lot in book.lots})
    drafted = [trade for draft in drafts for trade in draft.trades]
    return with_entries(
        lot_selectors.ledger(household_id),
        (
            *entries_of(possible, book.as_of, prefix="under-way"),
            *entries_of(drafted, book.as_of, prefix="tonight"),
        ),
    )


def _nothing_taken(findings: Sequence[GainFinding]) -> str:
    if not findings:
        return "No taxable, tax-managed account of this household holds a gain at a fresh price."
    counts: dict[str, int] = {}
    for finding in findings:
        word = finding.outcome.value.replace("_", " ")
        counts[word] = counts.get(word, 0) + 1
    told = ", ".join(f"{word} {count}" for word, count in sorted(counts.items()))
    return f"No gain is worth taking: {told}."
