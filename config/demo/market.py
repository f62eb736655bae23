"""The demonstration's market: real adjusted closes, the twenty stocks and five factor funds they belong to."""

import csv
import gzip
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from securities.types import DistributionKind

DATA = Path(__file__).parent / "data"
FIRST_DAY = date(2016, 1, 4)
AS_OF = date(2022, 12, 28)  # the last day of the data: the end of a bear year

STOCKS = {
    "AAPL": "Apple", "AMD": "Advanced Micro Devices", "BAC": "Bank of America", "BBY": "Best Buy",
    "CVX": "Chevron", "GE": "General Electric", "HD": "Home Depot", "JNJ": "Johnson & Johnson",
    "JPM": "JPMorgan Chase", "KO": "Coca-Cola", "LLY": "Eli Lilly", "MRK": "Merck",
    "MSFT": "Microsoft", "PEP": "PepsiCo", "PFE": "Pfizer", "PG": "Procter & Gamble",
    "RRC": "Range Resources", "UNH": "UnitedHealth", "WMT": "Walmart", "XOM": "Exxon Mobil",
}  # fmt: skip
FUNDS = {
    "MTUM": "US momentum factor fund", "QUAL": "US quality factor fund", "SIZE": "US size factor fund",
    "USMV": "US minimum volatility fund", "VLUE": "US value factor fund",
}  # fmt: skip

# Examples only, chosen by business and exposure: an adviser decides and reviews the real ones.
SUBSTITUTES = {
    "AAPL": ("MSFT", "QUAL"), "AMD": ("MSFT", "MTUM"), "BAC": ("JPM", "VLUE"), "BBY": ("HD", "SIZE"),
    "CVX": ("XOM", "VLUE"), "GE": ("SIZE", "VLUE"), "HD": ("WMT", "QUAL"), "JNJ": ("PFE", "USMV"),
    "JPM": ("BAC", "VLUE"), "KO": ("PEP", "USMV"), "LLY": ("MRK", "QUAL"), "MRK": ("LLY", "USMV"),
    "MSFT": ("AAPL", "QUAL"), "PEP": ("KO", "USMV"), "PFE": ("JNJ", "VLUE"), "PG": ("KO", "USMV"),
    "RRC": ("XOM", "SIZE"), "UNH": ("JNJ", "QUAL"), "WMT": ("PG", "USMV"), "XOM": ("CVX", "VLUE"),
    "MTUM": ("QUAL", "SIZE"), "QUAL": ("MTUM", "USMV"), "SIZE": ("VLUE", "USMV"),
    "USMV": ("QUAL", "SIZE"), "VLUE": ("SIZE", "QUAL"),
}  # fmt: skip

MODELS = {
    "Twenty stocks": dict.fromkeys(STOCKS, Decimal("0.049")),
    "Five factors": {
        "MTUM": Decimal("0.18"), "QUAL": Decimal("0.25"), "SIZE": Decimal("0.15"),
        "USMV": Decimal("0.25"), "VLUE": Decimal("0.15"),
    },
    "Factors and leaders": {
        "QUAL": Decimal("0.20"), "USMV": Decimal("0.20"), "VLUE": Decimal("0.10"),
        **dict.fromkeys(
            ("AAPL", "MSFT", "JPM", "JNJ", "PG", "UNH", "XOM", "HD", "KO", "LLY"), Decimal("0.048")
        ),
    },
}  # fmt: skip

# Invented, no fund ever announced them: they go ex two days after the night, so that its purchases meet them.
DISTRIBUTIONS = (
    ("QUAL", date(2022, 12, 30), DistributionKind.LONG, Decimal("1.10")),
    ("QUAL", date(2022, 12, 30), DistributionKind.SHORT, Decimal("0.12")),
)


@dataclass(frozen=True, slots=True)
class Market:
    """Closes by symbol and trading day, dollars a share."""

    days: tuple[date, ...]
    closes: dict[str, tuple[Decimal, ...]]

    def day_on_or_after(self, day: date) -> date:
        """The trading day itself, or the next one; the last one for days beyond the data."""
        return self.days[min(bisect_left(self.days, day), len(self.days) - 1)]

    def close(self, symbol: str, day: date) -> Decimal:
        """The close of a trading day. Raises KeyError for a day without trading."""
        index = bisect_left(self.days, day)
        if index == len(self.days) or self.days[index] != day:
            raise KeyError(day)
        return self.closes[symbol][index]


def load_market() -> Market:
    """Both files, from FIRST_DAY on; text becomes Decimal without a float in between."""
    stock_days, stocks = _read("sp500_20_stocks.csv.gz")
    fund_days, funds = _read("factor_etfs.csv.gz")
    if stock_days != fund_days:
        raise ValueError("the two price files do not cover the same days")
    return Market(days=stock_days, closes={**stocks, **funds})


def _read(name: str) -> tuple[tuple[date, ...], dict[str, tuple[Decimal, ...]]]:
    with gzip.open(DATA / name, "rt", encoding="ascii", newline="") as lines:
        rows = csv.reader(lines)
        symbols = next(rows)[1:]
        kept = [row for row in rows if row[0] >= FIRST_DAY.isoformat()]
    days = tuple(date.fromisoformat(row[0]) for row in kept)
    columns = {
        symbol: tuple(Decimal(row[place]) for row in kept)
        for place, symbol in enumerate(symbols, start=1)
    }
    return days, columns
