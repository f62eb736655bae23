"""Drafts of universe changes: from a list that a person makes, or from a file of dated constituents (F18, F19)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import PurePath

from django.conf import settings
from django.db import transaction

from accounts import access
from accounts.errors import LotwiseError
from accounts.locks import lock_firm
from accounts.models import User
from accounts.selectors import business_date
from accounts.services import record_audit
from rebalancing import selectors
from rebalancing.model_changes.constituents import read_constituents
from rebalancing.model_changes.model_versions import NewVersion, stored
from rebalancing.model_changes.recipes import ExitRule, Freed, VersionKind, VersionState
from rebalancing.model_changes.universe import (
    Addition,
    BadChange,
    Deletion,
    Difference,
    changed_weights,
    difference,
    turnover,
)
from rebalancing.models import ModelVersion, TargetModel
from rebalancing.types import ONE, ZERO
from securities import selectors as securities
from securities.importers.file_text import check_bytes, check_size, decoded

MOST_STEPS = 60  # trading days


class BadUniverse(LotwiseError):
    """The list of changes cannot be a draft. ``rows`` has the problems of single rows by their number, from 0."""

    code = "bad_universe"
    status = 422

    def __init__(self, message: str, rows: Mapping[int, str] | None = None) -> None:
        self.rows = dict(rows or {})
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ListedChange:
    """One row of a person's list: a name that comes in with a weight, or leaves with an exit rule."""

    symbol: str
    weight: Decimal | None = None  # a fraction; None: the name leaves
    rule: ExitRule | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a file or a list came to: the draft, None where it changes nothing; ``is_new`` where it was not there."""

    version: ModelVersion | None
    is_new: bool


@transaction.atomic
def draft_universe_change(
    *,
    user: User,
    model: TargetModel,
    rows: Sequence[ListedChange],
    freed: Freed,
    effective_on: date,
    steps: int,
    reason: str,
) -> Drafted:
    """Draft a list of additions and deletions from the model's present weights. Raises NotAllowed, BadUniverse."""
    access.require(user, access.Action.DECIDE)
    lock_firm(model.firm_id)
    before = selectors.targets(model.pk)
    additions, deletions = _resolved(model, rows, before)
    try:
        after = changed_weights(before, additions, deletions, freed)
    except BadChange as error:
        raise BadUniverse(str(error)) from error
    new = NewVersion(
        kind=VersionKind.UNIVERSE,
        before=before,
        after=after,
        as_of=business_date(model.firm),
        reason=reason.strip(),
        effective_on=effective_on,
        steps=steps,
        exit_rules={one.security: one.rule for one in deletions},
        notes={
            **{one.security: one.note for one in additions if one.note},
            **{one.security: one.note for one in deletions if one.note},
        },
    )
    return _drafted(model, new, author=user.username)


def _resolved(
    model: TargetModel, rows: Sequence[ListedChange], before: Mapping[int, Decimal]
) -> tuple[list[Addition], list[Deletion]]:
    """The rows by security. Raises BadUniverse with a sentence for each row that is none."""
    known, problems = securities.security_ids(model.firm_id), dict[int, str]()
    additions, deletions, seen = list[Addition](), list[Deletion](), dict[str, int]()
    for at, row in enumerate(rows):
        security = known.get(row.symbol)
        first = seen.setdefault(row.symbol, at)
        is_held = security is not None and before.get(security, ZERO) > ZERO
        if security is None:
            problems[at] = f"{row.symbol} is no known symbol: securities are in the set-up file."
        elif first != at:
            problems[at] = f"{row.symbol} stands in the list twice."
        elif row.weight is not None and is_held:
            problems[at] = f"{row.symbol} is in {model.name} already: it cannot be added."
        elif row.weight is not None:
            additions.append(Addition(security, row.weight, row.note))
        elif not is_held:
            problems[at] = f"{row.symbol} is not in {model.name}: it cannot leave."
        elif row.rule is not None:
            deletions.append(Deletion(security, row.rule, row.note))
        else:
            problems[at] = f"{row.symbol} leaves: say what becomes of its shares."
    if problems:
        raise BadUniverse("Some rows need mending.", problems)
    if not additions and not deletions:
        raise BadUniverse("The list is empty: add a name, or let one leave.")
    return additions, deletions


@dataclass(frozen=True, slots=True)
class Reconstitution:
    """What a file of constituents would make of a model. ``before`` are its weights now."""

    model: TargetModel
    new: NewVersion

    @property
    def difference(self) -> Difference:
        return difference(self.new.before, self.new.after)

    @property
    def turnover(self) -> Decimal:
        """One way, a fraction."""
        return turnover(self.new.before, self.new.after)


def read_reconstitution(
    *, model: TargetModel, file: bytes, name: str, rule: ExitRule, steps: int = 1
) -> Reconstitution:
    """The change that a file of constituents asks for; names that leave get the exit rule. Writes nothing.

    The model keeps its cash: the constituents share what it has in names now, and a model without weights is invested
    whole. Raises ImportRefused with every problem found.
    """
    name = PurePath(name).name[:255] or "constituents"
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    check_bytes(name=name, data=file)
    known = securities.security_ids(model.firm_id)
    found = read_constituents(decoded(name=name, data=file), name=name, securities=known)
    before = selectors.targets(model.pk)
    after = found.weights(sum(before.values(), ZERO) or ONE)
    new = NewVersion(
        kind=VersionKind.RECONSTITUTION,
        before=before,
        after=after,
        as_of=business_date(model.firm),
        reason=f"Constituents of {found.effective_on} from {name}.",
        effective_on=found.effective_on,
        steps=steps,
        exit_rules=dict.fromkeys(difference(before, after).deleted, rule),
    )
    return Reconstitution(model, new)


@transaction.atomic
def draft_reconstitution(
    *, model: TargetModel, file: bytes, name: str, rule: ExitRule, steps: int = 1, author: str
) -> Drafted:
    """Draft what the file asks for; the same file again is the draft that is there, or the version that goes on.

    Raises ImportRefused. The caller has asked whether the author may.
    """
    lock_firm(model.firm_id)
    read = read_reconstitution(model=model, file=file, name=name, rule=rule, steps=steps)
    going_on = _going_on(read)
    if going_on is not None:
        return Drafted(going_on, is_new=False)
    return _drafted(model, read.new, author=author)


def _going_on(read: Reconstitution) -> ModelVersion | None:
    """The version that takes the model to the same weights step by step already."""
    rows = ModelVersion.objects.filter(
        model=read.model, kind=read.new.kind, effective_on=read.new.effective_on
    )
    for version in rows.filter(state=VersionState.PUBLISHED):
        after = dict(version.weights.filter(after__gt=ZERO).values_list("security_id", "after"))
        if version.is_under_way and after == read.new.after:
            return version
    return None


def _drafted(model: TargetModel, new: NewVersion, *, author: str) -> Drafted:
    if difference(new.before, new.after).is_empty:
        return Drafted(None, is_new=False)
    version, is_new = stored(model, new, author=author)
    if is_new:
        symbols = securities.symbols(model.firm_id)
        record_audit(
            firm=model.firm,
            actor=author,
            action="model.drafted",
            subject=str(version)[:120],
            facts={
                "kind": new.kind.value,
                "effective_on": new.effective_on,
                "steps": new.steps,
                "why": new.reason,
                "exits": {symbols[one]: rule.value for one, rule in new.exit_rules.items()},
            },
        )
    return Drafted(version, is_new)
