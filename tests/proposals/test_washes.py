"""Strategic wash sales (I9, F28): the stated sum, of the trades' own sales, deferred and never lost."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lots.types import EntryKind, LedgerEntry
from proposals.compliance import Facts, entries_of, with_entries
from proposals.drafts import problems_of
from proposals.types import AcceptedWash, DraftTrade, ProposalKind, Replacement
from proposals.washes import accepted_at, deferred_by, wash_problems
from tests.proposals.trades import (
    IRA,
    LOT,
    OLD,
    OTHER,
    SUB,
    TAXABLE,
    TODAY,
    TWIN,
    draft,
    facts,
    purchase,
    sale,
)

D = Decimal
RECENT = date(2022, 12, 20)
PAIR = (sale(), purchase())  # 20 OLD with a loss of 20 a share


def bought(
    quantity: str = "5", *, account: int = TAXABLE, security: int = OLD, day: date = RECENT
) -> LedgerEntry:
    return LedgerEntry(
        f"{day.toordinal()}{security}{account}",
        day,
        str(account),
        EntryKind.BUY,
        str(security),
        D(quantity),
        D(quantity) * 80,
    )


def with_purchases(*entries: LedgerEntry, **changes: object) -> Facts:
    base = facts(**changes)
    return replace(base, ledger=with_entries(base.ledger, entries))


def codes(
    deferred: str, around: Facts, *trades: DraftTrade, kind: ProposalKind = ProposalKind.HARVEST
):
    drafted = replace(draft(*(trades or PAIR), kind=kind), wash_deferred=D(deferred))
    return [problem.code for problem in problems_of(drafted, around)]


def at(price: str, *trades: DraftTrade) -> list[DraftTrade]:
    return [replace(trade, price=D(price)) for trade in trades or PAIR]


def test_the_stated_sum_of_its_own_sale_is_allowed():
    assert codes("100", with_purchases(bought())) == []


@pytest.mark.parametrize("stated", ["99.99", "100.01", "1", "400", "-100"])
def test_less_or_more_than_the_engine_says_is_refused(stated: str):
    drafted = replace(draft(*PAIR), wash_deferred=D(stated))
    (problem,) = problems_of(drafted, with_purchases(bought()))
    assert problem.code == "wash_deferred"
    assert problem.text == (
        f"The proposal says that ${stated} of loss is deferred, the engine says $100.00."
    )


def test_a_sum_where_the_engine_sees_no_wash_sale_is_refused():
    assert codes("100", facts()) == ["wash_deferred"]


def test_a_wash_sale_that_is_not_stated_stays_refused():
    assert codes("0", with_purchases(bought())) == ["wash_sale"]


def test_a_float_is_no_sum():
    drafted = replace(draft(*PAIR), wash_deferred=100.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Decimal"):
        problems_of(drafted, with_purchases(bought()))


@pytest.mark.parametrize(
    "kind", [ProposalKind.REBALANCE, ProposalKind.SWAP_BACK, ProposalKind.GAIN_HARVEST]
)
def test_only_a_harvest_may_defer_a_loss(kind: ProposalKind):
    found = codes("100", with_purchases(bought()), sale(pair=0), kind=kind)
    # A swap-back and a gain harvest fall before that: a sale alone is no pair of theirs.
    alone = {
        ProposalKind.REBALANCE: ["wash_deferred"],
        ProposalKind.SWAP_BACK: ["unbalanced_pair"],
        ProposalKind.GAIN_HARVEST: ["not_one_for_one", "unbalanced_pair"],
    }
    assert found == alone[kind]


@pytest.mark.parametrize("stated", ["100", "60", "160"])
def test_what_an_ira_takes_for_ever_is_refused_whatever_is_stated(stated: str):
    """T10: 3 of the 5 replacement shares stand in the IRA."""
    around = with_purchases(bought("3", account=IRA), bought("2"))
    assert codes(stated, around) == ["wash_sale"]


def test_a_fraction_of_a_cent_lost_for_ever_is_refused():
    """0.0001 share in the IRA takes $0.002 away: nothing to be seen in cents, and still for ever."""
    around = with_purchases(bought("5"), bought("0.0001", account=IRA, day=date(2022, 12, 21)))
    assert codes("100", around) == ["wash_sale"]


def test_an_identical_security_defers_too():
    assert codes("100", with_purchases(bought(security=TWIN))) == []


def test_its_purchase_must_not_wash_somebody_elses_loss():
    """5 SUB were sold at a loss of 5 a share: that sale is not among the trades, so nobody can accept it."""
    earlier = [
        bought("5", security=SUB, day=date(2022, 1, 3)),
        LedgerEntry("900", RECENT, str(TAXABLE), EntryKind.SELL, str(SUB), D(5), D(375)),
    ]
    around = with_purchases(bought(), *earlier)
    assert codes("100", around) == ["wash_sale"]
    assert codes("125", around) == ["wash_sale"]


def test_where_the_loss_goes_is_told():
    (wash,) = deferred_by(PAIR, with_purchases(bought("3"), bought("2", security=TWIN)))
    assert [(one.security, one.shares, one.amount) for one in wash.into] == [
        (OLD, D(3), D("60.00")),
        (TWIN, D(2), D("40.00")),
    ]
    assert wash.into[0] == Replacement(
        entry=bought("3").id,
        bought_on=RECENT,
        account=TAXABLE,
        security=OLD,
        shares=D(3),
        amount=D("60.00"),
        is_permanent=False,
    )


def test_a_purchase_under_way_counts_as_a_replacement():
    coming = entries_of([purchase("4", security=OLD, pair=0)], TODAY, prefix="proposal 7")
    around = with_purchases(*coming)
    assert codes("80", around) == []
    (wash,) = deferred_by(PAIR, around)
    assert wash.into[0].entry == "proposal 7:1"


def test_a_small_gain_beside_it_that_a_lower_fill_would_wash_is_refused():
    """OTHER stands 0.5 % above its basis and was bought last week: accepting OLD does not cover it."""
    lot = facts().lots[(LOT, 0)]
    gain = sale("5", security=OTHER, opening=300, basis=D("398"), pair=2)
    entries = [
        bought(),
        replace(bought("5", security=OTHER, day=date(2022, 3, 1)), id="300", amount=D(398)),
        bought("5", security=OTHER),
    ]
    around = with_purchases(
        *entries,
        lots={
            (LOT, 0): lot,
            (300, 0): replace(lot, opening=300, security=OTHER, quantity=D(5), basis=D(398)),
        },
    )
    trades = (*PAIR, gain, purchase("4", pair=2))
    assert codes("100", around, *trades) == ["nearly_a_wash_sale"]


def test_an_accepted_sum_covers_the_same_shares_at_a_price_two_percent_lower():
    around = with_purchases(bought())
    accepted = accepted_at(PAIR, D(100))
    assert wash_problems(at("78.40"), around, accepted=accepted) == []
    (problem,) = wash_problems(at("78.39"), around, accepted=accepted)
    assert (problem.code, problem.text) == (
        "wash_not_accepted",
        "$108.05 of the loss would be deferred, $100.00 was accepted.",
    )


@pytest.mark.parametrize("price", ["80", "79", "81", "95"])
def test_one_share_more_than_was_accepted_is_refused_at_any_price(price: str):
    """At 95 the six shares defer $30, less than the $100: they are more shares than anybody agreed to."""
    around = with_purchases(bought("6"))
    (problem,) = wash_problems(at(price), around, accepted=accepted_at(PAIR, D(100)))
    assert problem.code == "wash_not_accepted"


def test_less_than_was_accepted_passes():
    accepted = accepted_at(PAIR, D(100))
    assert wash_problems(PAIR, with_purchases(bought("4")), accepted=accepted) == []
    assert wash_problems(PAIR, facts(), accepted=accepted) == []


def test_an_acceptance_never_covers_the_ira():
    around = with_purchases(bought("1", account=IRA))
    (problem,) = wash_problems(PAIR, around, accepted=accepted_at(PAIR, D(1000)))
    assert (problem.code, "for ever" in problem.text) == ("wash_sale", True)


def test_nothing_accepted_allows_nothing():
    assert [p.code for p in wash_problems(PAIR, with_purchases(bought("0.0001")))] == ["wash_sale"]
    assert wash_problems(PAIR, facts(), accepted=AcceptedWash()) == []
