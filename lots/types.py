"""Value types of the ledger and of what replay makes of it.

Quantities are shares, money is US dollars. Entries come in as ``Decimal``, results are exact ``Fraction`` and are
rounded only where they are stored or shown (``lots.rounding``). A float anywhere is a TypeError.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from accounts.types import AccountKind, OwnerKind


class EntryKind(StrEnum):
    """What a booked transaction is."""

    BUY = "buy"
    SELL = "sell"
    REINVEST = "reinvest"  # a reinvested dividend is a purchase (R25)
    VEST = "vest"  # equity compensation or plan purchase: an acquisition (R19, practice)
    OPENING = "opening"  # a lot bought on ``acquired``, taken over without its history
    RECEIVE = "receive"  # delivery from elsewhere that is no acquisition (R19)
    GIFT = (
        "gift"  # received as a gift: the donor's basis and holding period (R19; IRC 1015, 1223(2))
    )
    INHERIT = "inherit"  # basis of the day of death, always long-term (R19; IRC 1014, 1223(9))
    GIVE = "give"  # gift, donation or delivery out: shares leave, nothing is sold
    TRANSFER = "transfer"  # between the household's own accounts: lots travel unchanged (R19)
    SPLIT = "split"
    RENAME = "rename"  # the same security under another symbol
    MERGE = "merge"  # tax-free stock merger: shares become ``to_security`` (R19; IRC 354, 358)
    CASH_MERGER = "cash_merger"  # the whole position is bought out for cash
    SPIN_OFF = "spin_off"  # shares of ``to_security`` are distributed (R19; IRC 355, 358)
    RETURN_OF_CAPITAL = "return_of_capital"  # lowers basis, then gain (IRC 301(c))
    WORTHLESS = "worthless"  # as if sold for nothing on the last day of the year (IRC 165(g))
    CASH_IN = "cash_in"
    CASH_OUT = "cash_out"
    FEE = "fee"


class Source(StrEnum):
    """Who told of a booked transaction."""

    STATEMENT = "statement"  # the custodian's records, a client system, a person
    FILL = "fill"  # a report that one of the firm's own orders was executed


class Relief(StrEnum):
    """Which lots a sale takes where none are identified (R22): a standing order, or FIFO.

    Ties go to the lot acquired first. LOWEST_TAX takes short-term losses, long-term losses, long-term gains, then
    short-term gains; losses largest per share first, gains smallest first. AVERAGE is for funds only (R22b): shares
    leave first in, first out, at the average basis of the account's position.
    """

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    LOWEST_TAX = "lowest_tax"
    AVERAGE = "average"


class DisposalEvent(StrEnum):
    """What made shares, or their basis, leave for money."""

    SALE = "sale"
    CASH_IN_LIEU = "cash_in_lieu"  # the fraction that a split, merger or spin-off left over
    CASH_MERGER = "cash_merger"
    WORTHLESS = "worthless"
    DISTRIBUTION = "distribution"  # a return of capital beyond the basis: zero shares leave


class Term(StrEnum):
    SHORT = "short"
    LONG = "long"


class Treatment(StrEnum):
    """Where a disallowed loss went."""

    DEFERRED = "deferred"  # into the basis of the replacement shares (R13)
    PERMANENT = "permanent"  # a retirement account bought: gone for ever (R16)


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """An account as the tax rules see it."""

    id: str
    kind: AccountKind
    owner: str
    owner_kind: OwnerKind = OwnerKind.PERSON


@dataclass(frozen=True, slots=True)
class LotPick:
    """Shares identified for sale or transfer: ``lot`` is the id of the entry that opened it (R22).

    ``part`` prefers one part of a lot that a wash sale split: it gives its shares first, then the lot's other parts
    give what it lacks. None takes the lot's parts in their order (U9).
    """

    lot: str
    quantity: Decimal
    part: int | None = None


SHARE_ITSELF = Decimal(1)  # the multiplier of what is no contract


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One booked fact. Entries of one date keep their order: it is the order of execution (H10)."""

    id: str
    trade_date: date
    account: str
    kind: EntryKind
    security: str | None = None
    # Shares. For split, rename, merge and spin-off the ratio, new shares per old (rename: 1).
    quantity: Decimal = Decimal(0)
    # Dollars before the fee. For opening, receive and gift the carried basis, for inherit the value at death; for
    # split, merge and spin-off the cash in lieu of this account's fraction.
    amount: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    picks: tuple[LotPick, ...] = ()  # specific identification (R22)
    # Purchases of one order share it (R9), and so do sales of one order (R9b); None = an order of its own.
    block: str | None = None
    to_account: str | None = None  # transfer only
    holding_start: date | None = None  # opening, receive and gift only
    acquired: date | None = None  # opening (required), receive and gift: the original purchase date
    relief: Relief | None = None  # sell, transfer, give, cash in lieu without picks; None = FIFO
    to_security: str | None = None  # rename, merge and spin-off: what the shares become or bring
    basis_fraction: Decimal | None = (
        None  # spin-off: part of the basis that goes to the new shares, 0..1
    )
    market_value: Decimal | None = (
        None  # gift: value on the day of the gift (IRC 1015(a)); None = not below basis
    )
    multiplier: Decimal = SHARE_ITSELF  # shares covered by one contract (R26)


class IndexFundPolicy(StrEnum):
    """U1: whether funds on one index are substantially identical. The firm's groups are made by it, not the engine."""

    SAME_INDEX_IDENTICAL = "same_index_identical"
    DISTINCT_UNLESS_LISTED = "distinct_unless_listed"


class SpousePolicy(StrEnum):
    """U2."""

    HOUSEHOLD_BASIS_TO_SPOUSE = "household_basis_to_spouse"
    TAXPAYER_ONLY = "taxpayer_only"


class TackingPolicy(StrEnum):
    """U3."""

    UNION = "union"
    SUM = "sum"
    DATE = "date"


class SoldReplacementPolicy(StrEnum):
    """U4."""

    MUST_STILL_BE_HELD = "must_still_be_held"
    LITERAL_ACQUIRED = "literal_acquired"


class OlderLotPolicy(StrEnum):
    """U5."""

    OLDER_LOT_COUNTS = "older_lot_counts"
    ONLY_NEWER_THAN_SOLD = "only_newer_than_sold"


class TaxDeferredPolicy(StrEnum):
    """U7."""

    ALL_LIKE_IRA = "all_like_ira"
    IRA_AND_ROTH_ONLY = "ira_and_roth_only"


class Scope(StrEnum):
    """Whose purchases are looked at: the law's household, or what one broker sees (R27)."""

    HOUSEHOLD = "household"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Policy:
    """The unsettled points of the law as switches, with the cautious defaults."""

    spouse: SpousePolicy = SpousePolicy.HOUSEHOLD_BASIS_TO_SPOUSE
    tacking: TackingPolicy = TackingPolicy.UNION
    sold_replacement: SoldReplacementPolicy = SoldReplacementPolicy.MUST_STILL_BE_HELD
    older_lot: OlderLotPolicy = OlderLotPolicy.OLDER_LOT_COUNTS
    tax_deferred: TaxDeferredPolicy = TaxDeferredPolicy.ALL_LIKE_IRA
    scope: Scope = Scope.HOUSEHOLD
    index_funds: IndexFundPolicy = IndexFundPolicy.SAME_INDEX_IDENTICAL


@dataclass(frozen=True, slots=True)
class Membership:
    """A security in a dated group, from ``since`` (None = always) through ``until`` (None = still), both included."""

    security: str
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class DatedGroup:
    """Securities that are substantially identical while both belong (R24).

    Sold and replacement shares of two members match if both belong on the day of the sale or on the day of the
    acquisition: the cautious reading of a fact that changes between the two.
    """

    members: tuple[Membership, ...]

    def securities(self) -> frozenset[str]:
        """Everything that belongs at any time."""
        return frozenset(member.security for member in self.members)


IdenticalGroups = Sequence[Collection[str] | DatedGroup]  # undated groups hold on every day


class Lazy:
    """Base of values whose fields are filled in when they are first looked at.

    The engine decides every result exactly, in integers; words and Fractions in lowest terms are made for those who
    look. Such a value is equal to, hashes like and can be replaced like one that was written out.
    """

    __slots__ = ("_source",)

    @classmethod
    def later(cls, fields: Callable[..., dict[str, Any]], *arguments: Any) -> Self:
        """A value that asks ``fields(name, *arguments)`` for the field of that name, and takes others along."""
        made = object.__new__(cls)
        _set_source(made, (fields, arguments))
        return made

    if not TYPE_CHECKING:  # a type checker shall still find misspelt fields

        def __getattr__(self, name):
            """Called for a field that is not filled in."""
            names = type(self).__dataclass_fields__
            if name not in names:
                raise AttributeError(f"{type(self).__name__} has no {name}", name=name, obj=self)
            fields, arguments = _get_source(self)
            found = fields(name, *arguments)
            for field_name, value in found.items():
                object.__setattr__(self, field_name, value)
            if len(found) == len(names):
                _set_source(self, None)
            return found[name]


_get_source = Lazy.__dict__["_source"].__get__
_set_source = Lazy.__dict__["_source"].__set__


@dataclass(frozen=True, slots=True)
class OpenLot(Lazy):
    """One part of a lot that is still held. (opening, part) is its identity and survives a rebuild."""

    opening: str
    part: int
    account: str
    security: str
    acquired: date
    holding_start: date
    quantity: Fraction  # in today's split units
    basis: Fraction  # adjusted by wash sales
    block: str  # the purchase order it came from (R9)
    is_inherited: bool = False  # long-term whatever its dates (IRC 1223(9))
    # A gift worth less than its basis: losses are measured on this, from this start (IRC 1015(a)).
    loss_basis: Fraction | None = None
    loss_start: date | None = None


@dataclass(frozen=True, slots=True)
class WashMatch(Lazy):
    """One match of sold shares with replacement shares (R11, R12)."""

    sale: str
    sold_lot: str
    replacement: str  # the entry that acquired the replacement shares
    replacement_account: str
    shares: Fraction  # in the units of the sale date; of contracts, the shares they cover (R26)
    amount: Fraction
    treatment: Treatment
    rule_ids: tuple[str, ...]
    sold_part: int = 0
    replacement_part: int = 0  # the part that the match split off (or the whole lot)


@dataclass(frozen=True, slots=True)
class RealizedLot(Lazy):
    """One lot part sold by one sale. ``gain = proceeds - basis``; ``allowed = gain + disallowed`` (H2)."""

    sale: str
    trade_date: date
    account: str
    security: str
    lot: str
    part: int
    quantity: Fraction
    acquired: date
    holding_start: date
    term: Term
    proceeds: Fraction
    basis: Fraction
    disallowed: Fraction = Fraction(0)
    permanent: Fraction = Fraction(0)  # the share of ``disallowed`` that is gone for ever
    event: DisposalEvent = DisposalEvent.SALE

    @property
    def gain(self) -> Fraction:
        return self.proceeds - self.basis

    @property
    def allowed(self) -> Fraction:
        return self.gain + self.disallowed


@dataclass(frozen=True, slots=True)
class ReplayResult(Lazy):
    """Everything that follows from a household's entries.

    ``realized`` holds the sales of taxable accounts only (R16: a retirement account has no losses);
    ``retirement_disposals`` the others, kept so that share counts tie.
    """

    realized: tuple[RealizedLot, ...]
    open_lots: tuple[OpenLot, ...]
    matches: tuple[WashMatch, ...]
    policy: Policy
    retirement_disposals: tuple[RealizedLot, ...] = field(default=())

    @property
    def permanently_disallowed(self) -> Fraction:
        return sum((row.permanent for row in self.realized), Fraction(0))


@dataclass(frozen=True, slots=True)
class NewDisallowance:
    """What one sale, booked or intended, loses by adding intended entries to the ledger."""

    sale: str
    trade_date: date
    account: str
    security: str
    amount: Fraction  # more disallowed than before, in dollars
    permanent: Fraction  # more gone for ever than before (R16)
    matches: tuple[WashMatch, ...]  # the sale's matches that were not there before


@dataclass(frozen=True, slots=True)
class LotRow:
    """One stored part of a lot that is still held (``lots.models.TaxLot``)."""

    opening: int  # pk of the transaction that opened it
    part: int
    account: int
    security: int
    acquired: date
    holding_start: date
    quantity: Decimal
    basis: Decimal
    is_inherited: bool = False
    loss_basis: Decimal | None = None
    loss_start: date | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything ``replay`` needs to know about one household; ids are ``str(pk)``."""

    entries: tuple[LedgerEntry, ...]
    accounts: tuple[LedgerAccount, ...]
    groups: tuple[frozenset[str] | DatedGroup, ...]
    policy: Policy


@dataclass(frozen=True, slots=True)
class Pick:
    """Shares identified in a transaction that is to be booked (R22).

    ``opening`` is the pk of the transaction that opened the lot, or its external id: of the same account, else the
    only one of that id in the household.
    """

    opening: int | str
    quantity: Decimal
    part: int | None = None


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """A transaction that is to be booked. ``account``, ``security`` and ``to_account`` are primary keys."""

    account: int
    external_id: str
    trade_date: date
    kind: EntryKind
    security: int | None = None
    quantity: Decimal = Decimal(0)  # shares; for a split the ratio
    price: Decimal | None = None
    amount: Decimal = Decimal(0)  # dollars before the fee; for receive the carried basis
    fee: Decimal = Decimal(0)
    settle_date: date | None = None
    picks: tuple[Pick, ...] = ()
    block: str = ""
    to_account: int | None = None
    holding_start: date | None = None
    acquired: date | None = None
    relief: Relief | None = None
    to_security: int | None = None
    basis_fraction: Decimal | None = None
    market_value: Decimal | None = None
    memo: str = ""
    source: Source = Source.STATEMENT
    ordinal: int = 0  # the row's line in its file, or its place in the request


@dataclass(frozen=True, slots=True)
class Booked:
    """What a booking did. A row that was known with the same content changes nothing."""

    new: int
    known: int
    households: tuple[int, ...]  # those with new rows


@dataclass(frozen=True, slots=True)
class YearToDate:
    """Allowed gain or loss of a household's taxable sales in a year, by term (dollars)."""

    short: Decimal
    long: Decimal


@dataclass(frozen=True, slots=True)
class RebuildChanges:
    """Rows of the derived tables that a rebuild wrote; a second rebuild writes none."""

    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What the import of one file did."""

    format: str
    new: int
    known: int
    file_known: bool  # the very same bytes were booked before: nothing was read again
    households: tuple[int, ...]  # those with new rows


@dataclass(frozen=True, slots=True)
class PositionImport:
    """What a file of custodian positions did; counts are statements, each one account and day."""

    new: int
    known: int
    replaced: int
    unreconciled: tuple[str, ...]  # accounts of the file that differ from their newest statement

    @property
    def sentence(self) -> str:
        """For people."""
        done = f"{self.new} statements new, {self.known} known, {self.replaced} replaced."
        if not self.unreconciled:
            return f"{done} The lots of its accounts agree."
        return (
            f"{done} {len(self.unreconciled)} of its accounts unreconciled: "
            f"{'. '.join(self.unreconciled)}."
        )


@dataclass(frozen=True, slots=True)
class BreakRow:
    """One security of an account of which the lots and the custodian say different things."""

    household: str
    household_id: UUID  # public
    account: str
    custodian: str
    symbol: str
    ours: Decimal
    theirs: Decimal
    difference: Decimal  # ours less theirs
    as_of: date  # of the statement
    age_days: int


@dataclass(frozen=True, slots=True)
class PositionBreaks:
    """A firm's reconciliation: its differences, and the number of accounts by how they stand."""

    rows: tuple[BreakRow, ...]
    unreconciled: int
    reconciled: int
    without_statement: int
