"""What of a household's terms has moved between two records of them, in words (T46): pure Decimal.

Two records are compared by what they say, not by who says it: a policy that is saved again, a rule under another name,
or a restriction on what the household has nothing to do with, moves nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.canonical import decimal_text
from proposals.budgets import YEARLY
from proposals.types import CashFlowKind, Moved, Proration, RestrictionKind
from rebalancing.mandates.rule_words import limits as rule_limits
from rebalancing.mandates.rule_words import subject
from rebalancing.mandates.rules import Rule, RuleKind
from rebalancing.model_changes.recipes import ExitRule
from rebalancing.policies import policy_words
from rebalancing.telling.terms import Plain, limits_of
from rebalancing.types import BASIS_POINTS, ZERO

PER_CENT = Decimal(100)
NOTICEABLE_SPREAD = Decimal(
    "0.0001"
)  # of the price: a half spread that moved by no more is the same cost
MOST_TOLD = 3  # changes of one kind that are told one by one
_PLACES = (2, 4, 6, 8)  # of a per cent: as many as it takes to tell two weights apart


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called; ``universe`` are the securities that the household holds or is to hold."""

    symbols: Mapping[int, str]
    accounts: Mapping[int, str]
    universe: frozenset[int]

    def symbol(self, security: int | str) -> str:
        return self.symbols.get(int(security), f"security {security}")

    def account(self, account: int | str) -> str:
        return self.accounts.get(int(account), f"account {account}")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that moved; ``told`` where "was ... and is now ..." does not say it."""

    what: str
    old: str
    new: str
    told: str = ""

    def __str__(self) -> str:
        return self.told or f"{self.what} was {self.old} and is now {self.new}"


def moved(then: Plain, now: Plain, names: Names) -> tuple[Moved, ...]:
    """One for each kind of terms that is not what it was, in words; ``then`` may lack kinds that were not kept yet."""
    found = []
    for kind, (called, compare) in _KINDS.items():
        if kind in then and then[kind] != now[kind]:
            changes = list(compare(then[kind], now[kind], names))
            if changes:
                found.append(_moved(called, changes))
    return tuple(found)


def weights(what: str, was: Decimal, now: Decimal) -> Change:
    """A changed weight (fractions) with as many digits as it takes to see the change, and no more."""
    for places in _PLACES:
        old, new = (_rounded(one * PER_CENT, places) for one in (was, now))
        if old != new:
            break
    return Change(what, f"{old} %", f"{new} %")


def half_spreads(
    then: Mapping[int, Decimal], now: Mapping[int, Decimal], names: Names
) -> tuple[Moved, ...]:
    """What traded securities cost on each side that differs noticeably, the most first; fractions of the price.

    A figure that is measured anew every month differs in its last digits, and is no other cost.
    """
    changes = [
        Change(
            f"the half spread of {names.symbol(one)}",
            *(_basis_points(by[one]) for by in (then, now)),
        )
        for one in sorted(
            then.keys() & now.keys(), key=lambda one: (-abs(now[one] - then[one]), one)
        )
        if abs(now[one] - then[one]) > NOTICEABLE_SPREAD
    ]
    return (_moved("half spreads", changes),) if changes else ()


def _basis_points(fraction: Decimal) -> str:
    return f"{decimal_text(fraction * BASIS_POINTS)} bp"


def _moved(called: str, changes: Sequence[Change]) -> Moved:
    first = changes[:MOST_TOLD]
    more = len(changes) - len(first)
    rest = [f"{more} more {'has' if more == 1 else 'have'} moved"] if more else []
    return Moved(
        called,
        ", ".join(one.old for one in first),
        ", ".join(one.new for one in first),
        "; ".join([*map(str, first), *rest]),
    )


def _model(then: Any, now: Any, names: Names) -> Iterator[Change]:
    if now is None:
        old = then["name"]
        yield Change("model", old, "none", f"the household followed {old} and follows no model now")
        return
    if then["id"] != now["id"]:
        old, new = then["name"], now["name"]
        yield Change("model", old, new, f"the household followed {old} and now follows {new}")
        return
    was, is_now = (_decimals(one["targets"]) for one in (then, now))
    securities = {one for one in was | is_now if was.get(one, ZERO) != is_now.get(one, ZERO)}
    for one in sorted(
        securities, key=lambda one: (-abs(is_now.get(one, ZERO) - was.get(one, ZERO)), int(one))
    ):
        what = f"the model's target of {names.symbol(one)}"
        yield weights(what, was.get(one, ZERO), is_now.get(one, ZERO))
    for one in sorted(then["exits"].keys() | now["exits"].keys(), key=int):
        was_rule, rule = then["exits"].get(one), now["exits"].get(one)
        if was_rule != rule:
            what = f"what becomes of {names.symbol(one)} outside the model"
            yield Change(what, _exit(was_rule), _exit(rule))


def _exit(rule: str | None) -> str:
    return "not said" if rule is None else f"“{ExitRule(rule).label}”"


def _policy(then: Any, now: Any, names: Names) -> Iterator[Change]:
    was, is_now = limits_of(then), limits_of(now)
    before, after = policy_words.terms(was), policy_words.terms(is_now)
    for name, said in after.items():
        if before[name] != said:
            yield Change(f"the policy's {name}", before[name], said)
    for security in sorted(names.universe & (was.bands.keys() | is_now.bands.keys())):
        old, new = (policy_words.band(one.band_of(security)) for one in (was, is_now))
        if old != new:
            yield Change(f"the policy's band for {names.symbol(security)}", old, new)


def _mandates(then: Any, now: Any, names: Names) -> Iterator[Change]:
    """Rules by mandate and key; one that only goes by another name has not moved."""
    was, is_now = {_id(row): row for row in then}, {_id(row): row for row in now}
    gone = [row for one, row in was.items() if one not in is_now]
    new = [row for one, row in is_now.items() if one not in was]
    for row in list(gone):
        same = next((one for one in new if _says(one) == _says(row)), None)
        if same is not None:
            gone.remove(row)
            new.remove(same)
    for one in sorted(was.keys() & is_now.keys()):
        if _says(was[one]) != _says(is_now[one]):
            yield _rule(was[one], is_now[one], names)
    for row in gone:
        rule = _rule_of(row)
        told = f"the mandate's rule {rule.id} is gone: {_subject(rule, names)} {rule_limits(rule)}"
        yield Change(rule.id, rule_limits(rule), "gone", told)
    for row in new:
        rule = _rule_of(row)
        told = f"the mandate's rule {rule.id} is new: {_subject(rule, names)} {rule_limits(rule)}"
        yield Change(rule.id, "none", rule_limits(rule), told)


def _rule(then: Plain, now: Plain, names: Names) -> Change:
    was, rule = _rule_of(then), _rule_of(now)
    old, new = rule_limits(was), rule_limits(rule)
    if (was.kind, was.subject, was.security) != (rule.kind, rule.subject, rule.security):
        old, new = f"{_subject(was, names)} {old}", f"{_subject(rule, names)} {new}"
        return Change(f"the mandate's rule {rule.id}", old, new)
    if was.is_hard != rule.is_hard:
        old, new = (f"{text} and {_force(one)}" for text, one in ((old, was), (new, rule)))
    return Change(f"the mandate's rule {rule.id} ({_subject(rule, names)})", old, new)


def _id(row: Plain) -> str:
    return f"{row['mandate']}/{row['key']}"


def _says(row: Plain) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("mandate", "key")}


def _rule_of(row: Plain) -> Rule:
    return Rule(
        mandate=row["mandate"],
        key=row["key"],
        kind=RuleKind(row["kind"]),
        subject=row["subject"],
        security=row["security"],
        low=_decimal(row["low"]),
        high=_decimal(row["high"]),
        is_hard=row["is_hard"],
    )


def _subject(rule: Rule, names: Names) -> str:
    text = subject(rule, names.symbols)
    return f"{text[:1].lower()}{text[1:]}"


def _force(rule: Rule) -> str:
    return "hard" if rule.is_hard else "soft"


def _restrictions(then: Any, now: Any, names: Names) -> Iterator[Change]:
    was, is_now = ({tuple(row[:3]): row[3] for row in rows} for rows in (then, now))
    for key in sorted(was.keys() | is_now.keys(), key=str):
        security, kind, account = key
        if security not in names.universe or (
            key in was and key in is_now and was[key] == is_now[key]
        ):
            continue
        where = f" in {names.account(account)}" if account is not None else ""
        told = f"{names.symbol(security)} {RestrictionKind(kind).told}{where}"
        limits = [one.get(key) for one in (was, is_now)]
        if key in was and key in is_now:
            old, new = (f"{_shown(Decimal(one))} %" for one in limits if one is not None)
            yield Change(f"the limit of a restriction ({told})", old, new)
        elif key in was:
            text = f"a restriction is over: {told}{_to(limits[0])}"
            yield Change(told, "restricted", "free", text)
        else:
            text = f"a restriction is new: {told}{_to(limits[1])}"
            yield Change(told, "free", "restricted", text)


def _to(limit: str | None) -> str:
    return "" if limit is None else f" ({_shown(Decimal(limit))} %)"


_NEEDS = {CashFlowKind.RMD: "required minimum distribution"}


def _needs(then: Any, now: Any, names: Names) -> Iterator[Change]:
    was, is_now = _sums(then), _sums(now)
    for key in sorted(was.keys() | is_now.keys(), key=lambda key: (key[2], str(key))):
        kind, account, due_on = key
        where = "the household" if account is None else names.account(account)
        what = f"the cash for the {_NEEDS.get(kind, kind)} of {due_on} from {where}"
        old, new = was.get(key, ZERO), is_now.get(key, ZERO)
        if old and new and old != new:
            yield Change(what, _dollars(old), _dollars(new))
        elif old != new:
            told = (
                f"{what} ({_dollars(new)}) is a need that is new"
                if new
                else f"{what} ({_dollars(old)}) is not needed any more"
            )
            yield Change(
                what, _dollars(old) if old else "none", _dollars(new) if new else "none", told
            )


def _sums(rows: Iterable[Sequence[Any]]) -> dict[tuple[Any, ...], Decimal]:
    found: dict[tuple[Any, ...], Decimal] = {}
    for kind, account, due_on, amount in rows:
        key = (kind, account, due_on)
        found[key] = found.get(key, ZERO) + Decimal(amount)
    return found


def _commissions(then: Any, now: Any, names: Names) -> Iterator[Change]:
    for account in sorted(then.keys() | now.keys(), key=int):
        old, new = (_charged(one.get(account)) for one in (then, now))
        if old != new:
            yield Change(f"the commission in {names.account(account)}", old, new)


def _charged(paid: Plain | None) -> str:
    if paid is None:
        return "none"
    parts = [
        text
        for key, text in (
            ("per_order", "${} an order"),
            ("per_share", "${} a share"),
            ("minimum", "${} at least"),
        )
        if Decimal(paid[key])
        for text in [text.format(paid[key])]
    ]
    of_amount = Decimal(paid["of_amount"])
    if of_amount:
        parts.append(f"{_shown(of_amount)} % of the dollars traded")
    return " and ".join(parts) or "none"


def _risk(then: Any, now: Any, names: Names) -> Iterator[Change]:
    before, after = _risk_words(then, names), _risk_words(now, names)
    for name, said in after.items():
        if name in before and before[name] != said:
            yield Change(f"the risk setting's {name}", before[name], said)


def _risk_words(one: Plain, names: Names) -> dict[str, str]:
    """A setting that the method does not use has no word."""
    days = {
        "number of daily returns": one["observations"],
        "half-life in days": one["half_life"],
        "number of factors": one["factor_count"],
        "longest silence in days": one["maximum_staleness_days"],
    }
    factors = one["factors"]
    named = ", ".join(f"{name} {names.symbol(by)}" for name, by in sorted((factors or {}).items()))
    return {
        "method": one["method"].replace("_", " ").replace("etfs", "ETFs"),
        **{name: str(number) for name, number in days.items() if number is not None},
        "least coverage": f"{_shown(Decimal(one['minimum_coverage']))} %",
        **({"factors": named} if factors is not None else {}),
    }


def _budget(then: Any, now: Any, names: Names) -> Iterator[Change]:
    if then["year"] != now["year"]:
        return  # the tax year is asked by itself
    for limit in YEARLY:
        old, new = (_most(one["limits"].get(limit.value)) for one in (then, now))
        if old != new:
            yield Change(f"the {limit.value} budget of {now['year']}", old, new)
    if then["proration"] != now["proration"]:
        old, new = (Proration(one["proration"]).label for one in (then, now))
        yield Change(f"the way the budget of {now['year']} opens", f"“{old}”", f"“{new}”")


def _plan(then: Any, now: Any, names: Names) -> Iterator[Change]:
    if then is None:
        what = f"a transition plan began on {now['started_on']}"
        yield Change("transition plan", "none", _yearly(now), f"{what} ({_yearly(now)})")
    elif now is None:
        told = f"the transition plan of {then['started_on']} has ended"
        yield Change("transition plan", _yearly(then), "ended", told)
    else:
        what = f"the transition plan of {then['started_on']}"
        told = f"{what} ({_yearly(then)}) has ended and one of {now['started_on']} ({_yearly(now)}) is under way"
        yield Change("transition plan", _yearly(then), _yearly(now), told)


def _yearly(plan: Plain) -> str:
    told = [
        f"{limit.value} {_most(plan[key])}"
        for limit, key in zip(YEARLY, ("short_limit", "long_limit", "tax_limit"), strict=True)
        if plan[key] is not None
    ]
    return f"{', '.join(told)} a year"


_KINDS = {
    "model": ("model", _model),
    "policy": ("policy", _policy),
    "mandates": ("mandates", _mandates),
    "restrictions": ("restrictions", _restrictions),
    "cash_needs": ("cash needs", _needs),
    "commissions": ("commissions", _commissions),
    "risk": ("risk setting", _risk),
    "budget": ("budget of gains", _budget),
    "plan": ("transition plan", _plan),
}


def _decimals(found: Plain) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in found.items()}


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _most(limit: str | None) -> str:
    return "without a limit" if limit is None else f"at most {_dollars(Decimal(limit))}"


def _dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}"


def _shown(fraction: Decimal) -> str:
    return decimal_text(fraction * PER_CENT)


def _rounded(number: Decimal, places: int) -> str:
    return decimal_text(number.quantize(Decimal(1).scaleb(-places)))
