"""The lots to give as the page and its file show them."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harvesting.economics import to_the_cent
from harvesting.gift_selectors import HouseholdGifts
from harvesting.gifts import ChosenGifts, Gift, chosen
from harvesting.sales import plain_shares
from lots.csv_text import csv_safe
from lots.types import LotRow

COLUMNS = (
    "place", "account", "symbol", "acquired", "holding_period_from", "shares", "basis", "value", "gain",
    "gain_of_value", "tax_avoided", "give_shares", "give_value", "give_gain", "not_given_because",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GiftLine:
    """A lot to give with its place in the order, and what of it the asked sum takes."""

    place: int
    account: str
    symbol: str
    gift: Gift
    taken: Gift | None

    @property
    def lot(self) -> LotRow:
        return self.gift.sale.lot

    @property
    def gain_of_value(self) -> Decimal:
        """A fraction to four places, for people."""
        return Decimal(round(self.gift.gain_of_value * 10000)) / 10000


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A lot, or a part of one, that is not given."""

    account: str
    symbol: str
    acquired: date
    holding_start: date
    shares: Decimal
    basis: Decimal
    value: Decimal | None
    why: str
    detail: str

    @property
    def gain(self) -> Decimal | None:
        return None if self.value is None else self.value - self.basis


@dataclass(frozen=True, slots=True)
class GiftPage:
    """What the page shows. ``chosen`` is None where no sum is asked for; ``rate`` None without a tax profile."""

    lines: tuple[GiftLine, ...]
    kept: tuple[KeptLine, ...]
    chosen: ChosenGifts | None
    rate: Decimal | None
    untaxed: str

    @property
    def value(self) -> Decimal:
        """Dollars of all lots to give."""
        return sum((line.gift.sale.amount for line in self.lines), Decimal(0))

    @property
    def gain(self) -> Decimal:
        return sum((line.gift.gain for line in self.lines), Decimal(0))

    @property
    def at_the_rate(self) -> Decimal | None:
        """The gain of the chosen lots at the rate of the next dollar; what they avoid together may differ."""
        if self.chosen is None or self.rate is None:
            return None
        return to_the_cent(self.chosen.gain * self.rate)


def gift_page(found: HouseholdGifts, amount: Decimal | None) -> GiftPage:
    """The lots in their order, and those that make up ``amount`` dollars."""
    book, gifts = found.book, found.found.gifts
    choice = None if amount is None else chosen(gifts, amount, found.tax)
    taken = {gift.sale.key: gift for gift in choice.gifts} if choice else {}
    return GiftPage(
        lines=tuple(
            GiftLine(
                place,
                book.account(gift.sale.lot.account),
                book.symbol(gift.sale.lot.security),
                gift,
                taken.get(gift.sale.key),
            )
            for place, gift in enumerate(gifts, start=1)
        ),
        kept=tuple(
            sorted(
                (
                    KeptLine(
                        account=book.account(one.lot.account),
                        symbol=book.symbol(one.lot.security),
                        acquired=one.lot.acquired,
                        holding_start=one.lot.holding_start,
                        shares=one.quantity,
                        basis=one.basis,
                        value=one.amount,
                        why=one.why.value,
                        detail=one.detail,
                    )
                    for one in found.found.kept
                ),
                key=lambda line: (line.account, line.symbol, line.acquired),
            )
        ),
        chosen=choice,
        rate=None if found.tax is None else found.tax.long_rate,
        untaxed=found.untaxed,
    )


def csv_text(page: GiftPage) -> str:
    """Every lot as a file for a spreadsheet: those to give in their order, then the rest with the reason."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(line) for line in page.lines)
    writer.writerows(_kept_cells(line) for line in page.kept)
    return text.getvalue()


def _cells(line: GiftLine) -> Iterator[str]:
    sale = line.gift.sale
    yield str(line.place)
    yield csv_safe(line.account)
    yield csv_safe(line.symbol)
    yield str(line.lot.acquired)
    yield str(line.lot.holding_start)
    yield plain_shares(sale.quantity)
    yield _dollars(sale.basis)
    yield _dollars(sale.amount)
    yield _dollars(line.gift.gain)
    yield f"{line.gain_of_value:.4f}"
    yield _dollars(line.gift.tax)
    yield "" if line.taken is None else plain_shares(line.taken.sale.quantity)
    yield "" if line.taken is None else _dollars(line.taken.sale.amount)
    yield "" if line.taken is None else _dollars(line.taken.gain)
    yield ""


def _kept_cells(line: KeptLine) -> Iterator[str]:
    yield ""
    yield csv_safe(line.account)
    yield csv_safe(line.symbol)
    yield str(line.acquired)
    yield str(line.holding_start)
    yield plain_shares(line.shares)
    yield _dollars(line.basis)
    yield _dollars(line.value)
    yield _dollars(line.gain)
    yield from [""] * 5
    yield csv_safe(f"{line.why}: {line.detail}")


def _dollars(value: Decimal | None) -> str:
    """To the cent; empty where there is none."""
    return "" if value is None else f"{to_the_cent(value):.2f}"
