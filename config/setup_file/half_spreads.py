"""Half spreads from a day on: of securities, and the defaults of asset classes and of the firm (F9)."""

from decimal import Decimal

from config.setup_file.contents import HalfSpreadEntry, SecurityEntry
from config.setup_file.records import Records, shown
from config.setup_file.tables import Range, Table
from securities.models import HalfSpread, Security
from securities.types import AssetClass

_FRACTION = Range(
    places=8, least=Decimal(0), below=Decimal(1), words="at least 0 and below 1; 4 bp are 0.0004"
)
_LONGEST_SYMBOL = 20


def half_spread(table: Table) -> HalfSpreadEntry:
    """One of ``[[half_spreads]]``."""
    entry = HalfSpreadEntry(
        where=table.where,
        symbol=table.text("symbol", longest=_LONGEST_SYMBOL) if table.has("symbol") else None,
        asset_class=table.word("asset_class", list(AssetClass))
        if table.has("asset_class")
        else None,
        half_spread=table.number("half_spread", _FRACTION),
        since=table.day("since"),
    )
    if table.has("symbol") and table.has("asset_class"):
        table.refuse("asset_class", "name the security or the asset class, not both")
    table.close()
    return entry


def apply_half_spreads(records: Records, entries: tuple[HalfSpreadEntry, ...]) -> None:
    """Write the figures; one a day of each security and default. One that is left out stays."""
    for entry in entries:
        security = None
        if entry.symbol is not None:
            security = records.security(f"{entry.where}.symbol", entry.symbol)
            if security is None:
                continue
        records.put(
            HalfSpread,
            "half spread",
            entry.name,
            key={
                "firm": records.firm,
                "security": security,
                "asset_class": entry.asset_class or "",
                "since": entry.since,
            },
            values={"fraction": entry.half_spread},
        )


def refuse_overtaken(records: Records, entry: SecurityEntry) -> None:
    """A figure without a day that is changed where dated ones have followed it would not be in force: say so."""
    known = Security.objects.filter(firm=records.firm, symbol=entry.symbol).first()
    if known is None or entry.half_spread in (None, known.half_spread):
        return
    newest = HalfSpread.objects.filter(security=known).order_by("-since").first()
    if newest is not None:
        records.problems.add(
            f"{entry.where}.half_spread",
            f"{entry.symbol} has half spreads from dates on, the newest {shown(newest.fraction)} from "
            f"{newest.since}: state another one in [[half_spreads]], with the day from which it holds",
        )
