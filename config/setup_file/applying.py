"""Bring a firm's records up to a set-up file: one transaction, nothing deleted, one audit event."""

from datetime import date

from django.db import IntegrityError, transaction

from accounts.locks import lock_firm, lock_households
from accounts.models import Account, Firm, Household, User
from accounts.selectors import business_date
from accounts.services import record_audit
from accounts.types import Role
from config.setup_file.ahead import apply_distributions, apply_dividends, apply_restrictions
from config.setup_file.changes import Changes
from config.setup_file.clients import apply_household, put_harvest_policy
from config.setup_file.contents import (
    CommissionEntry,
    ModelEntry,
    PersonEntry,
    SecurityEntry,
    SetUpFile,
)
from config.setup_file.contradictions import refuse_contradictions
from config.setup_file.half_spreads import apply_half_spreads, refuse_overtaken
from config.setup_file.mandates import apply_mandates
from config.setup_file.model_views import apply_views
from config.setup_file.rebalance_policies import (
    put_rebalance_policy,
    refuse_crossed_cash,
    start_with_bands,
)
from config.setup_file.records import Records, shown
from config.setup_file.refusal import Problem, SetUpRefused
from config.setup_file.risk import apply_risk
from config.setup_file.tables import path
from config.setup_file.tax_facts import apply_tax_facts, refuse_identical_substitutes
from config.setup_file.tax_policy import apply_tax_policy
from proposals.models import CommissionSchedule
from rebalancing.model_changes import exits
from rebalancing.models import ModelWeight, TargetModel
from securities.models import Security

_OVERLAP = "substitute_is_not_identical"


def set_up(
    *,
    contents: SetUpFile,
    name: str,
    actor: str,
    dry_run: bool = False,
    pinned_date: date | None = None,
) -> Changes:
    """Make what is missing, change what differs, delete nothing; ``dry_run`` does all of it and takes it back.

    ``name`` is the file's, for the audit event; ``pinned_date`` is where a new firm stands (None: it follows the
    calendar). Locks the firm and every household of it. Raises SetUpRefused with every problem found, and then nothing
    is written.
    """
    try:
        with transaction.atomic():
            changes = _apply(contents, pinned_date)
            if dry_run:
                transaction.set_rollback(True)
            elif changes:
                record_audit(
                    firm=Firm.objects.get(name=contents.firm),
                    actor=actor,
                    action="firm.set_up",
                    subject=name[:120],
                    facts=changes.facts(),
                )
    except IntegrityError as error:
        raise _database_refusal(error) from error
    return changes


def _apply(contents: SetUpFile, pinned_date: date | None) -> Changes:
    """Raises SetUpRefused."""
    changes = Changes()
    firm = _firm(contents.firm, pinned_date, changes)
    lock_firm(firm.pk)
    lock_households(Household.objects.filter(firm=firm).values_list("pk", flat=True))
    records = Records(firm=firm, changes=changes)
    _people(records, contents.people)
    reindexed = _securities(records, contents.securities)
    apply_tax_facts(records, contents, reindexed)
    if contents.tax_policy is not None:
        apply_tax_policy(records, contents.tax_policy)
    refuse_identical_substitutes(records)
    changes.households_recomputed = len(records.recomputed)
    records.models = {row.name: row for row in TargetModel.objects.filter(firm=firm)}
    if contents.rebalance_policy is None and changes.new.get("firm"):
        start_with_bands(records)
    for model in contents.models:
        _model(records, model)
    if contents.harvest_policy is not None:
        put_harvest_policy(records, contents.harvest_policy)
    if contents.rebalance_policy is not None:
        put_rebalance_policy(records, contents.rebalance_policy)
    if contents.risk is not None:
        apply_risk(records, contents.risk)
    for household in contents.households:
        apply_household(records, household)
    refuse_crossed_cash(records, _policy_places(contents))
    for commission in contents.commissions:
        _commission(records, commission)
    apply_half_spreads(records, contents.half_spreads)
    apply_dividends(records, contents.dividends)
    apply_distributions(records, contents.distributions)
    apply_restrictions(records, contents.restrictions)
    apply_mandates(records, contents.mandates)
    refuse_contradictions(records, contents)
    records.problems.raise_if_any()
    return changes


def _policy_places(contents: SetUpFile) -> dict[str, str]:
    """Where the file states a rebalance policy, by whose it is."""
    said = [("of the firm", contents.rebalance_policy)]
    said += [(f"of {one.name}", one.rebalance_policy) for one in contents.models]
    said += [(one.name, one.rebalance_policy) for one in contents.households]
    return {name: entry.where for name, entry in said if entry is not None}


def _firm(name: str, pinned_date: date | None, changes: Changes) -> Firm:
    """The firm, made where it is missing. Raises SetUpRefused for a date for a firm that follows the calendar."""
    firm = Firm.objects.filter(name=name).first()
    if firm is None:
        firm = Firm.objects.create(name=name, pinned_date=pinned_date)
        changes.add_new("firm", firm.name)
    elif pinned_date is not None and firm.pinned_date is None:
        text = (
            f"{name!r} is on record and follows the calendar: only a new firm can stand at a date"
        )
        raise SetUpRefused([Problem("firm.name", text)])
    return firm


def _database_refusal(error: IntegrityError) -> SetUpRefused:
    """What the database itself refused: somebody else wrote at the same moment."""
    diagnosis = getattr(error.__cause__, "diag", None)
    constraint = getattr(diagnosis, "constraint_name", None)
    if constraint == _OVERLAP:
        return SetUpRefused(
            [Problem("substitutes", "a substitute is in the identical group of what it replaces")]
        )
    return SetUpRefused(
        [
            Problem(
                "",
                f"the records changed at the same moment, or contradict the file ({constraint}): try again",
            )
        ]
    )


def _people(records: Records, people: tuple[PersonEntry, ...]) -> None:
    """New people get an unusable password: nobody signs in before it is set."""
    for entry in people:
        first, _, last = entry.name.rpartition(" ")
        names = {"first_name": first or last, "last_name": last if first else ""}
        known = User.objects.filter(username=entry.username).first()
        if known is None:
            User.objects.create_user(
                username=entry.username, firm=records.firm, role=entry.role, **names
            )
            records.changes.add_new("person", entry.username)
        elif known.firm_id != records.firm.pk:
            records.problems.add(
                f"{entry.where}.username",
                f"{entry.username!r} is taken outside this firm: choose another name",
            )
        elif known.role == Role.API_CLIENT:
            records.problems.add(
                f"{entry.where}.username",
                f"{entry.username!r} is an API client, not a person: choose another name",
            )
        else:
            records.update(known, "person", entry.username, {**names, "role": entry.role})
    persons = User.objects.filter(firm=records.firm).exclude(role=Role.API_CLIENT)
    records.people = {row.username: row for row in persons}


def _securities(records: Records, securities: tuple[SecurityEntry, ...]) -> set[int]:
    """Returns the securities that follow an index which funds have left or joined (U1)."""
    followed = dict(Security.objects.filter(firm=records.firm).values_list("pk", "tracks_index"))
    for entry in securities:
        taken = _taken_codes(records, entry)
        if taken:
            for key, other in taken.items():
                records.problems.add(
                    f"{entry.where}.{key}", f"{getattr(entry, key)} is {other}'s on record"
                )
            continue
        refuse_overtaken(records, entry)
        records.put(
            Security,
            "security",
            entry.symbol,
            key={"firm": records.firm, "symbol": entry.symbol},
            values={
                "name": entry.name,
                "cusip": entry.cusip,
                "isin": entry.isin,
                "asset_class": entry.asset_class,
                "sector": entry.sector,
                "half_spread": entry.half_spread,
                "is_fund": entry.is_fund,
                "tracks_index": entry.tracks_index,
                **entry.yields,
                "expense_ratio": entry.expense_ratio,
                "average_daily_volume": entry.average_daily_volume,
                "delisted_on": entry.delisted_on,
            },
        )
    records.securities = {row.symbol: row for row in Security.objects.filter(firm=records.firm)}
    follow = {row.pk: row.tracks_index for row in records.securities.values()}
    moved = {
        index
        for pk, new in follow.items()
        if (old := followed.get(pk, "")) != new
        for index in (old, new)
        if index
    }
    return {pk for pk, index in (*follow.items(), *followed.items()) if index in moved}


def _taken_codes(records: Records, entry: SecurityEntry) -> dict[str, str]:
    """Key -> the other security of the firm that bears the CUSIP or ISIN."""
    taken = {}
    others = Security.objects.filter(firm=records.firm).exclude(symbol=entry.symbol)
    for key, code in (("cusip", entry.cusip), ("isin", entry.isin)):
        if code and (other := others.filter(**{key: code}).first()) is not None:
            taken[key] = other.symbol
    return taken


def _commission(records: Records, entry: CommissionEntry) -> None:
    """A schedule is for a custodian that some account names: a mistyped one would never be charged."""
    if not Account.objects.filter(firm=records.firm, custodian=entry.custodian).exists():
        records.problems.add(
            f"{entry.where}.custodian",
            f"{entry.custodian!r} is the custodian of no account of the firm",
        )
        return
    records.put(
        CommissionSchedule,
        "commission schedule",
        entry.custodian,
        key={"firm": records.firm, "custodian": entry.custodian},
        values=dict(entry.figures),
    )


def _model(records: Records, entry: ModelEntry) -> None:
    """A model and its weights, which the file gives whole: a security that it leaves out has none any more."""
    securities = {
        symbol: records.security(path(f"{entry.where}.weights", symbol), symbol)
        for symbol in entry.weights
    }
    model = records.put(
        TargetModel,
        "model",
        entry.name,
        key={"firm": records.firm, "name": entry.name},
        values={"description": entry.description, "recipe": entry.recipe},
    )
    records.models[entry.name] = model
    if entry.rebalance_policy is not None:
        put_rebalance_policy(records, entry.rebalance_policy, model=model)
    rows = {row.security.symbol: row for row in model.weights.select_related("security")}
    if rows and {symbol: row.weight for symbol, row in rows.items()} != dict(entry.weights):
        model.weights_since = business_date(records.firm)
        model.save(update_fields=["weights_since"])
    for symbol in rows.keys() - securities.keys():
        records.changes.add_changed(
            "model", entry.name, f"{symbol} {shown(rows[symbol].weight)} -> none"
        )
        rows[symbol].delete()
    for symbol, security in securities.items():
        weight = entry.weights[symbol]
        if symbol in rows:
            if rows[symbol].weight != weight:
                old = shown(rows[symbol].weight)
                records.changes.add_changed(
                    "model", entry.name, f"{symbol} {old} -> {shown(weight)}"
                )
                ModelWeight.objects.filter(pk=rows[symbol].pk).update(weight=weight)
        elif security is not None:
            records.changes.add_changed("model", entry.name, f"{symbol} none -> {shown(weight)}")
            ModelWeight.objects.create(model=model, security=security, weight=weight)
    apply_views(records, model, entry.views)
    taken_in = [one.pk for symbol, one in securities.items() if one and entry.weights[symbol] > 0]
    exits.end(model.pk, taken_in, business_date(records.firm))
