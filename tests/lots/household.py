"""The household of the random histories: two spouses, retirement accounts, a corporation; its funds and readings."""

from datetime import date, timedelta
from random import Random

from accounts.types import AccountKind, OwnerKind
from lots.types import (
    DatedGroup,
    LedgerAccount,
    Membership,
    OlderLotPolicy,
    Policy,
    Scope,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)

ACCOUNTS = (
    LedgerAccount("joint", AccountKind.TAXABLE, "ann"),
    LedgerAccount("spouse", AccountKind.TAXABLE, "bob"),
    LedgerAccount("ira", AccountKind.TRADITIONAL_IRA, "ann"),
    LedgerAccount("401k", AccountKind.K401, "bob"),
    LedgerAccount("corp", AccountKind.TAXABLE, "ann", OwnerKind.CORPORATION),
)
SECURITIES = ("VOO", "SPY", "QQQ", "KID", "VOX")
GROUPS = (frozenset({"VOO", "SPY"}),)
FIRST_DAY = date(2024, 1, 2)
# SPY follows VOO's index for some time only; QQQ joins later.
DATED_GROUPS = (
    DatedGroup(
        (
            Membership("VOO"),
            Membership("SPY", until=FIRST_DAY + timedelta(days=60)),
            Membership("QQQ", since=FIRST_DAY + timedelta(days=40)),
        )
    ),
)
# Two decisions that share a security: of SPY = VOO and SPY = QQQ nothing follows for VOO and QQQ.
OVERLAPPING_GROUPS = (frozenset({"VOO", "SPY"}), frozenset({"SPY", "QQQ"}))


def any_policy(rng: Random) -> Policy:
    return Policy(
        spouse=rng.choice(list(SpousePolicy)),
        tacking=rng.choice(list(TackingPolicy)),
        sold_replacement=rng.choice(list(SoldReplacementPolicy)),
        older_lot=rng.choice(list(OlderLotPolicy)),
        tax_deferred=rng.choice(list(TaxDeferredPolicy)),
        scope=rng.choice([Scope.HOUSEHOLD] * 4 + [Scope.BROKER]),
    )
