"""``[risk]``: how the firm's risk model is made, and the named factors it may be regressed on."""

from decimal import Decimal

from config.setup_file.contents import Figures, RiskEntry
from config.setup_file.records import Records
from config.setup_file.tables import Range, Table, path
from rebalancing.models import RiskFactor, RiskSetting
from rebalancing.types import RiskMethod

_LONGEST_FACTOR = 60
_LONGEST_SYMBOL = 20
_DAYS = Decimal(5_001)
_FIGURES = {
    "observations": Range(places=0, least=Decimal(60), below=_DAYS),
    "half_life": Range(places=0, least=Decimal(20), below=_DAYS),
    "factor_count": Range(places=0, least=Decimal(1), below=Decimal(51)),
    "maximum_staleness_days": Range(places=0, least=Decimal(1), below=Decimal(3_651)),
    "minimum_coverage": Range(
        places=8, least=Decimal(0), below=Decimal("1.00000001"), words="from 0 to 1"
    ),
    "market_risk_price": Range(
        places=8,
        least=Decimal(0),
        below=Decimal(100),
        above=True,
        words="above 0 and below 100; 2.5 is customary",
    ),
}


def risk(table: Table | None) -> RiskEntry | None:
    """What the file says; None where it says nothing."""
    if table is None:
        return None
    figures: dict[str, Decimal | int | bool] = {}
    for key, allowed in _FIGURES.items():
        if table.has(key):
            value = table.number(key, allowed)
            figures[key] = value if allowed.places else int(value)
    entry = RiskEntry(
        where=table.where,
        method=table.word("method", list(RiskMethod)) if table.has("method") else None,
        figures=figures,
        factors=_factors(table.table("factors")),
    )
    table.close()
    return entry


def _factors(table: Table | None) -> dict[str, str] | None:
    if table is None:
        return None
    found: dict[str, str] = {}
    for name in table.free_keys():
        symbol = table.text(name, longest=_LONGEST_SYMBOL)
        if len(name) > _LONGEST_FACTOR or not name.isprintable() or name != name.strip():
            table.refuse(name, f"a factor's name has 1 to {_LONGEST_FACTOR} characters")
        elif symbol in found.values():
            table.refuse(name, f"{symbol!r} stands for another factor already")
        found[name] = symbol
    return found


def apply_risk(records: Records, entry: RiskEntry) -> None:
    """Write the setting, and the factors whole where the file names any; one that it drops is a factor no more."""
    figures: Figures = entry.figures
    setting = records.put(
        RiskSetting,
        "risk setting",
        "of the firm",
        key={"firm": records.firm},
        values={"method": entry.method, **figures},
    )
    if entry.factors is not None:
        _put_factors(records, setting, entry)
    if setting.method == RiskMethod.FACTOR_ETFS and not setting.factors.exists():
        records.problems.add(
            f"{entry.where}.factors", "the method factor_etfs needs at least one: name = symbol"
        )


def _put_factors(records: Records, setting: RiskSetting, entry: RiskEntry) -> None:
    wanted = {
        name: records.security(path(f"{entry.where}.factors", name), symbol)
        for name, symbol in (entry.factors or {}).items()
    }
    if None in wanted.values():
        return
    known = {row.name: row.security for row in setting.factors.select_related("security")}
    if known == wanted:
        return
    for name in sorted(known.keys() | wanted.keys()):
        old, new = known.get(name), wanted.get(name)
        if old != new:
            records.changes.add_changed(
                "risk setting", "of the firm", f"factor {name} {old or 'none'} -> {new or 'none'}"
            )
    setting.factors.all().delete()
    RiskFactor.objects.bulk_create(
        RiskFactor(setting=setting, name=name, security=security)
        for name, security in wanted.items()
        if security is not None
    )
