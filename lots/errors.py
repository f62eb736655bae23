"""What can be wrong with a ledger.

Every class has a stable ``code``; the text is written for the person who can mend the entry.
"""

from datetime import date
from fractions import Fraction

from lots.rounding import plain


class LedgerError(Exception):
    """Base of everything the ledger and its engines refuse."""

    code = "ledger_error"


class NoTaxPosition(LedgerError):
    """What a tax year needs is not on record, so no tax of the household can be computed; its ledger is well.

    The base of every such refusal; the text says what is missing and what to do.
    """

    code = "no_tax_position"


class Unsupported(LedgerError):
    """The entry needs a rule this version does not compute: refused, never guessed (R22b, R26)."""

    code = "unsupported"

    def __init__(self, what: str, *, rule: str, entry: str) -> None:
        self.rule = rule
        self.entry = entry
        super().__init__(f"Entry {entry}: {what} ({rule}).")


class Oversold(LedgerError):
    """A sale or transfer of more shares than the account holds; short positions are refused (R26)."""

    code = "oversold"

    def __init__(
        self,
        *,
        entry: str,
        account: str,
        security: str,
        trade_date: date,
        wanted: Fraction,
        held: Fraction,
        lot: str | None = None,
    ) -> None:
        self.entry = entry
        self.account = account
        self.security = security
        self.trade_date = trade_date
        self.wanted = wanted
        self.held = held
        self.lot = lot
        of_lot = f" of lot {lot}" if lot is not None else ""
        super().__init__(
            f"Entry {entry}: account {account} holds {plain(held)} shares of {security}{of_lot} "
            f"on {trade_date}, {plain(wanted)} are to leave. Short positions are not supported (R26): "
            "book the missing purchase or delivery, or correct the quantity."
        )


class UnknownLot(LedgerError):
    """A sale or transfer identifies a lot that the account does not hold (R22)."""

    code = "unknown_lot"

    def __init__(self, *, entry: str, account: str, security: str, lot: str) -> None:
        self.entry = entry
        self.account = account
        self.security = security
        self.lot = lot
        super().__init__(
            f"Entry {entry}: account {account} holds no shares of lot {lot} of {security} on that "
            "day. Name a lot by the entry that opened it, or leave the choice to FIFO."
        )


class BadEntry(LedgerError):
    """An entry that contradicts itself, its household or another entry."""

    code = "bad_entry"

    def __init__(self, *, entry: str, problem: str) -> None:
        self.entry = entry
        self.problem = problem
        super().__init__(f"Entry {entry}: {problem}.")
