"""Whose purchases a test for wash sales looked at, whose it could not, and whose it was told to leave out. Pure.

- An account that was declared and never imported is named as not checked (R17).
- Where the firm reads U2 or U7 the other way, purchases that the cautious reading counts are left out. The accounts are
  named, because the return may be read by somebody who does not share the reading.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lots.types import LedgerAccount, Policy, SpousePolicy, TaxDeferredPolicy
from lots.wash_sales import counts_as_buyer

_LEFT_OUT = {
    "U2": "Not counted under U2 against losses of another owner",
    "U7": "Not counted under U7, being neither taxable nor an IRA",
}


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """An account of the household as people know it."""

    account: LedgerAccount
    label: str
    held_away: bool = False  # declared, never imported


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Accounts whose purchases wash nothing under the rule as the firm reads it."""

    rule: str
    accounts: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return f"{_LEFT_OUT[self.rule]}: purchases in {', '.join(self.accounts)}."


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a search for purchases covered."""

    looked_at: int  # imported accounts
    not_checked: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def sentence(self) -> str:
        """For people, with every proposal."""
        counted = "1 account" if self.looked_at == 1 else f"{self.looked_at} accounts"
        said = [f"Purchases were looked for in the {counted} of this household on the books."]
        if self.not_checked:
            said.append(
                "Not checked, because their transactions are not here: "
                f"{', '.join(self.not_checked)}. Purchases there can disallow a loss."
            )
        said.extend(one.sentence for one in self.left_out)
        said.append("Accounts that nobody declared were not seen.")
        return " ".join(said)


def coverage(accounts: Sequence[NamedAccount], policy: Policy) -> Coverage:
    """Of a search for whatever can wash a loss in any taxable account of the household that is on the books."""
    sellers = [one.account for one in accounts if one.account.kind.is_taxable and not one.held_away]
    counted = [
        one
        for one in accounts
        if not sellers or any(counts_as_buyer(seller, one.account, policy) for seller in sellers)
    ]
    return Coverage(
        looked_at=sum(not one.held_away for one in counted),
        not_checked=tuple(one.label for one in counted if one.held_away),
        left_out=left_out(sellers, accounts, policy),
    )


def left_out(
    sellers: Sequence[LedgerAccount], accounts: Iterable[NamedAccount], policy: Policy
) -> tuple[LeftOut, ...]:
    """The accounts whose purchases count against a loss of a seller by the cautious reading only, by rule."""
    named: dict[str, list[str]] = {"U2": [], "U7": []}
    for one in accounts:
        rules = {rule for seller in sellers for rule in _rules(seller, one.account, policy)}
        for rule in rules:
            named[rule].append(one.label)
    return tuple(LeftOut(rule, tuple(labels)) for rule, labels in named.items() if labels)


def _rules(seller: LedgerAccount, buyer: LedgerAccount, policy: Policy) -> tuple[str, ...]:
    """The readings in force that keep the buyer's purchases from counting; none where they never would."""
    cautious = replace(
        policy,
        spouse=SpousePolicy.HOUSEHOLD_BASIS_TO_SPOUSE,
        tax_deferred=TaxDeferredPolicy.ALL_LIKE_IRA,
    )
    if not counts_as_buyer(seller, buyer, cautious):
        return ()
    alone = {
        "U2": replace(cautious, spouse=policy.spouse),
        "U7": replace(cautious, tax_deferred=policy.tax_deferred),
    }
    return tuple(rule for rule, read in alone.items() if not counts_as_buyer(seller, buyer, read))
