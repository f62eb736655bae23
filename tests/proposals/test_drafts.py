"""The hard checks, one bad draft each: none of them may become a proposal."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from lots.types import EntryKind, LedgerEntry
from proposals.drafts import problems_of
from proposals.types import BuyBlock, DraftTrade, ProposalKind, Windows
from tests.proposals.trades import (
    IRA,
    LOT,
    OLD,
    OTHER,
    SUB,
    TAXABLE,
    TWIN,
    draft,
    facts,
    purchase,
    sale,
)


def codes(*trades: DraftTrade, kind: ProposalKind = ProposalKind.HARVEST, **changes: object):
    return [problem.code for problem in problems_of(draft(*trades, kind=kind), facts(**changes))]


def test_a_balanced_pair_is_fine():
    assert codes(sale(), purchase()) == []


def test_two_lots_of_a_pair_share_one_purchase():
    assert codes(sale("12"), sale("8"), purchase()) == []


@pytest.mark.parametrize(
    ("trades", "code"),
    [
        ((), "no_trades"),
        ((sale(account=99), purchase(account=99)), "foreign_account"),
        ((sale(), purchase(security=99)), "foreign_security"),
        ((sale(), purchase("0")), "not_positive"),
        ((sale(opening=None), purchase()), "lot_missing"),
        ((sale(), purchase(opening=LOT, part=0)), "lot_missing"),
        ((sale(opening=101), purchase()), "lot_not_held"),
        ((sale(security=OTHER), purchase()), "lot_not_held"),
        ((sale("20.00000001"), purchase()), "oversold"),
        ((sale("12"), sale("12"), purchase("23")), "oversold"),
        ((sale(), purchase(security=TWIN)), "sells_at_loss_what_it_buys"),
        (
            (sale(basis=Decimal(1590)), purchase(security=TWIN)),  # a gain of 0.6 %
            "sells_at_loss_what_it_buys",
        ),
        ((sale(), purchase("21")), "unbalanced_pair"),  # more bought than sold
        ((sale(), purchase("18")), "unbalanced_pair"),  # a share more would fit
        ((sale(),), "unbalanced_pair"),
        ((sale(), purchase("9"), purchase("10", security=OTHER)), "unbalanced_pair"),
        ((sale(), purchase(account=IRA)), "unbalanced_pair"),
        ((sale(pair=0), purchase(pair=0)), "unbalanced_pair"),
    ],
)
def test_a_bad_draft_is_refused(trades: tuple[DraftTrade, ...], code: str):
    """T8: a pair of one leg, out of balance or in two accounts; T45: what is sold at a loss is not bought beside it."""
    assert code in codes(*trades)


BACK: dict[str, Any] = {"basis": Decimal(1000), "pair": 7}  # 20 shares at 80, at a gain


@pytest.mark.parametrize(
    ("trades", "found"),
    [
        ((sale(**BACK), purchase(pair=7)), []),
        ((sale(**BACK), purchase("9", pair=7), purchase("10", pair=7, security=OTHER)), []),
        (
            (sale(**BACK), purchase("9", pair=7), purchase("9", pair=7, security=OTHER)),
            ["unbalanced_pair"],
        ),
        ((sale(**BACK), purchase("21", pair=7)), ["unbalanced_pair"]),  # more bought than sold
        ((sale(**BACK),), ["unbalanced_pair"]),
        ((sale(**BACK), purchase(pair=7, account=IRA)), ["unbalanced_pair"]),
        ((sale(**BACK | {"pair": 0}), purchase(pair=0)), ["unbalanced_pair"]),
    ],
)
def test_a_swap_back_may_buy_several_originals_dollar_for_dollar(trades, found):
    """T8: what the substitute brings, less costs, is bought to one share."""
    assert codes(*trades, kind=ProposalKind.SWAP_BACK) == found


def test_a_float_is_a_programming_error():
    with pytest.raises(TypeError, match="float"):
        codes(sale(), purchase(price=80.0))


def test_shares_that_another_proposal_sells_are_taken():
    windows = Windows({}, {}, {(LOT, 0): Decimal(5)})
    assert codes(sale("16"), purchase("15"), windows=windows) == ["oversold"]
    assert codes(sale("15"), purchase("14"), windows=windows) == []


def test_a_blocked_security_is_never_bought_not_even_in_an_ira():
    windows = Windows({SUB: BuyBlock(date(2023, 1, 9), "10 SUB sold at a loss")}, {}, {})
    trade = purchase("1", account=IRA, pair=0)
    (problem,) = problems_of(draft(trade, kind=ProposalKind.REBALANCE), facts(windows=windows))
    assert problem.code == "buy_blocked"
    assert problem.text == "SUB must not be bought before 2023-01-09: 10 SUB sold at a loss."


def test_a_gain_may_be_sold_while_the_security_is_bought_elsewhere():
    trades = (sale(price=Decimal(120), pair=0), purchase("1", account=IRA, security=TWIN, pair=0))
    assert codes(*trades, kind=ProposalKind.REBALANCE) == []


def test_one_account_never_sells_and_buys_one_security():
    trades = (sale(price=Decimal(120), pair=0), purchase("1", security=OLD, pair=0))
    assert codes(*trades, kind=ProposalKind.REBALANCE) == ["churn"]


def test_a_loss_that_a_recent_purchase_would_wash_is_refused_with_what_is_lost_for_ever():
    base = facts()
    recent = LedgerEntry(
        "101", date(2022, 12, 20), str(IRA), EntryKind.BUY, str(TWIN), Decimal(5), Decimal(400)
    )
    washed = replace(base.ledger, entries=(*base.ledger.entries, recent))
    (problem,) = problems_of(draft(sale(), purchase()), replace(base, ledger=washed))
    assert problem.code == "wash_sale"
    assert problem.text == (
        "$100.00 of the loss on OLD sold on 2022-12-28 in Ann taxable would be disallowed, "
        "$100.00 of it for ever."
    )


@pytest.mark.parametrize(
    ("basis", "codes_found"),
    [
        ("1568", []),  # what a fill 2 % lower than 1,600 brings
        ("1568.01", ["nearly_a_wash_sale"]),
    ],
)
def test_a_gain_that_a_lower_fill_would_turn_into_a_washed_loss_is_refused(basis, codes_found):
    base = facts()
    recent = LedgerEntry(
        "101", date(2022, 12, 20), str(IRA), EntryKind.BUY, str(TWIN), Decimal(5), Decimal(400)
    )
    (bought,) = base.ledger.entries
    ledger = replace(base.ledger, entries=(replace(bought, amount=Decimal(basis)), recent))
    trade = sale(basis=Decimal(basis), pair=0)
    assert codes(trade, kind=ProposalKind.REBALANCE, ledger=ledger) == codes_found
    assert codes(trade, kind=ProposalKind.REBALANCE) == []  # no purchase, no wash sale


def test_nothing_is_proposed_in_an_account_whose_lots_do_not_add_up():
    """T53: the other accounts of the household may be traded."""
    wrong = {TAXABLE: "OLD: lots 20, custodian 15 on 2022-12-27"}
    [problem] = problems_of(draft(sale(), purchase()), facts(unreconciled=wrong))
    assert problem.code == "unreconciled"
    assert str(problem) == (
        "Ann taxable does not add up: OLD: lots 20, custodian 15 on 2022-12-27. Book what is missing, "
        "or import a newer statement."
    )
    elsewhere = {IRA: "SUB: lots 0, custodian 3 on 2022-12-27"}
    assert codes(sale(), purchase(), unreconciled=elsewhere) == []
