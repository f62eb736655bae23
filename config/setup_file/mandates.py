"""Mandates in a set-up file: ``[[mandates]]`` with ``[[mandates.rules]]``, read and applied."""

from decimal import Decimal

from accounts.models import Household
from config.setup_file.contents import MandateEntry, RuleEntry
from config.setup_file.records import Records, shown
from config.setup_file.tables import Range, Table
from rebalancing.mandates.rules import RuleKind
from rebalancing.models import Mandate, MandateRule
from securities.types import AssetClass

_LONGEST_NAME = 120
_LIMIT = Range(
    places=8,
    least=Decimal(-1000),
    below=Decimal(100_000),
    words="a fraction such as 0.05 for 5 percent, or for names a number",
)


def mandate(table: Table, told: set[str]) -> MandateEntry:
    """One of ``[[mandates]]``; ``told`` are the unknown kinds of rules that the file has been refused for."""
    entry = MandateEntry(
        where=table.where,
        name=table.text("name", longest=_LONGEST_NAME),
        model=table.text("model", longest=_LONGEST_NAME) if table.has("model") else None,
        household=table.text("household", longest=_LONGEST_NAME)
        if table.has("household")
        else None,
        rules=tuple(rule for one in table.tables("rules") if (rule := _rule(one, told))),
    )
    if entry.model is not None and entry.household is not None:
        table.refuse("household", "name the model or the household, not both")
    table.close()
    return entry


def _rule(table: Table, told: set[str]) -> RuleEntry | None:
    """None where the kind is not known: then nothing can be said of its other keys."""
    kind = table.known_word("kind", list(RuleKind), told)
    if kind is None:
        return None
    key = _SUBJECTS.get(kind)
    entry = RuleEntry(
        where=table.where,
        key=table.text("key", longest=60),
        kind=kind,
        subject=_subject(table, kind) if key else "",
        low=table.number("low", _LIMIT) if table.has("low") else None,
        high=table.number("high", _LIMIT) if table.has("high") else None,
        is_hard=table.flag("hard") is not False,
    )
    if entry.low is None and entry.high is None:
        table.refuse("high", "it is missing: a rule has a low limit, a high one, or both")
    elif entry.low is not None and entry.high is not None and entry.low > entry.high:
        table.refuse("low", f"{entry.low} is above the high limit, {entry.high}")
    for where, limit in (("low", entry.low), ("high", entry.high)):
        if limit is not None:
            _check_unit(table, where, kind, limit)
    table.close()
    return entry


def _check_unit(table: Table, where: str, kind: RuleKind, limit: Decimal) -> None:
    """A limit in per cent, or a part of a name, would be taken and never bind."""
    if kind is RuleKind.NAMES:
        if limit != limit.to_integral_value():
            table.refuse(where, f"{limit} is no number of securities: write a whole one")
    elif kind is not RuleKind.FACTOR and abs(limit) > 1:
        table.refuse(where, f"{limit} is above 1: write a fraction, such as 0.30 for 30 percent")


_SUBJECTS = {
    RuleKind.ASSET_CLASS: "asset_class",
    RuleKind.SECTOR: "sector",
    RuleKind.SECURITY: "symbol",
    RuleKind.FACTOR: "factor",
}


def _subject(table: Table, kind: RuleKind) -> str:
    if kind is RuleKind.ASSET_CLASS:
        return table.word("asset_class", list(AssetClass)).value
    return table.text(_SUBJECTS[kind], longest=60)


def apply_mandates(records: Records, entries: tuple[MandateEntry, ...]) -> None:
    """Write mandates, each with its rules as a whole; names that nobody bears are noted."""
    for entry in entries:
        _apply(records, entry)


def _apply(records: Records, entry: MandateEntry) -> None:
    model = records.models.get(entry.model) if entry.model else None
    if entry.model and model is None:
        records.problems.add(f"{entry.where}.model", f"{entry.model!r} is no model of the firm")
        return
    household = (
        Household.objects.filter(firm=records.firm, name=entry.household).first()
        if entry.household
        else None
    )
    if entry.household and household is None:
        records.problems.add(
            f"{entry.where}.household", f"{entry.household!r} is no household of the firm"
        )
        return
    row = Mandate.objects.filter(firm=records.firm, name=entry.name).first()
    if row is None:
        row = Mandate.objects.create(
            firm=records.firm, name=entry.name, model=model, household=household
        )
        records.changes.add_new("mandate", entry.name)
    elif (row.model_id, row.household_id) != (
        model.pk if model else None,
        household.pk if household else None,
    ):
        records.changes.add_changed("mandate", entry.name, "whom it binds")
        row.model, row.household = model, household
        row.save(update_fields=["model", "household"])
    _apply_rules(records, row, entry)


def _apply_rules(records: Records, mandate: Mandate, entry: MandateEntry) -> None:
    """The file gives a mandate's rules whole: one that it leaves out binds nobody any more."""
    named = {rule.key for rule in entry.rules}
    for gone in mandate.rules.exclude(key__in=named):
        records.changes.add_changed("mandate", entry.name, f"rule {gone.key} -> none")
        gone.delete()
    for rule in entry.rules:
        security = None
        if rule.kind is RuleKind.SECURITY:
            security = records.security(f"{rule.where}.symbol", rule.subject)
            if security is None:
                continue
        values = {
            "kind": rule.kind.value,
            "subject": "" if rule.kind is RuleKind.SECURITY else rule.subject,
            "security": security,
            "low": rule.low,
            "high": rule.high,
            "is_hard": rule.is_hard,
        }
        known = mandate.rules.filter(key=rule.key).first()
        if known is None:
            MandateRule.objects.create(mandate=mandate, key=rule.key, **values)
            records.changes.add_new("mandate rule", f"{entry.name}/{rule.key}")
            continue
        differing = [name for name, value in values.items() if getattr(known, name) != value]
        for name in differing:
            old, new = getattr(known, name), values[name]
            told = f"{name} {_said(old)} -> {_said(new)}"
            records.changes.add_changed("mandate rule", f"{entry.name}/{rule.key}", told)
            setattr(known, name, new)
        if differing:
            known.save(update_fields=differing)


def _said(value: object) -> str:
    return "none" if value is None else shown(value)
