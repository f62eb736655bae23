"""Which gains are taken and bought back, and why not each of the others: literals."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest

from accounts.types import AccountKind, FilingStatus
from harvesting.economics import later_rate
from harvesting.gain_drafts import NOT_COMPUTED, draft
from harvesting.gains import GainOutcome, GainPlan, GainSurroundings, clean_plan, find, trades_of
from harvesting.types import HarvestRules
from lots.coverage import Coverage
from lots.netting import YearInputs
from lots.types import EntryKind, Ledger, LedgerAccount, LedgerEntry, LotRow, Policy
from lots.year_tax import TaxPosition, position_at
from proposals.budgets import Budget, Usage
from proposals.costs import Commission, TradingCosts
from proposals.types import ProposalKind, Side
from tests.harvesting.books import (
    AAA,
    BBB,
    IRA,
    SPOUSE,
    TAXABLE,
    book,
    days_ago,
    lot,
    position,
)

COVERAGE = Coverage(looked_at=2, not_checked=(), left_out=())
RULES = HarvestRules(
    harvests_gains=True,
    future_rate=D("0.15"),
    discount_rate=D(0),
    minimum_benefit=D(0),
    minimum_pair_benefit=D(0),
)
TOP = D(83350)  # end of the 0 % bracket of 2022, married filing jointly


def in_the_zero_bracket(room: str, *, carried: str = "0", state: str = "0") -> TaxPosition:
    """So many dollars of room below the end of the 0 % bracket."""
    inputs = YearInputs(
        year=2022,
        filing_status=FilingStatus.MARRIED_JOINTLY,
        ordinary_taxable_income=TOP - D(room),
        lt_carryover_in=D(carried),
        magi=D(90000),
        state_rate=D(state),
    )
    return position_at(inputs, carried_loss_value=D("0.05"))


def around(tax: TaxPosition | None = None, **changes: object) -> GainSurroundings:
    base = GainSurroundings(
        tax=tax or in_the_zero_bracket("10000"),
        costs=TradingCosts(half_spreads={AAA: D("0.0005"), BBB: D("0.0005")}),
        coverage=COVERAGE,
        accounts=frozenset({TAXABLE, SPOUSE}),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def sold(plan: GainPlan) -> dict[int, D]:
    """Opening -> shares."""
    return {sale.lot.opening: sale.quantity for pair in plan.pairs for sale in pair.sales}


def outcome(plan: GainPlan, opening: int) -> GainOutcome:
    (found,) = (one.outcome for one in plan.findings if one.opening == opening)
    return found


def test_a_gain_inside_the_zero_bracket_is_taken_and_the_shares_are_bought_back():
    plan = find(book(lot(1, basis="2000"), rules=RULES), around())
    assert sold(plan) == {1: D(100)}  # a gain of 6,000, room for 10,000
    (pair,) = plan.pairs
    assert (pair.quantity, pair.amount) == (D(99), D(7920))  # 8,000 less 4 + 3.96 of cost
    assert pair.cash_left == D("72.04")
    assert (plan.gains.long, plan.tax_now) == (D(6000), D(0))
    assert (plan.later_tax, plan.cost, plan.net) == (D(900), D("7.96"), D("892.04"))


def test_the_room_of_the_zero_bracket_is_used_to_the_last_whole_share():
    # 60 of gain a share: 83 shares are 4,980, the 84th would cost 40 x 15 % of tax for 60 x 10 % of later tax
    rules = replace(RULES, future_rate=D("0.10"))
    plan = find(book(lot(1, basis="2000"), rules=rules), around(in_the_zero_bracket("5000")))
    assert sold(plan) == {1: D(83)}
    assert plan.tax_now == 0


def test_one_share_goes_beyond_the_kink_where_the_sum_still_says_so():
    # Of the 84th share's 60 dollars of gain 20 are inside: tax 40 x 15 % = 6, later tax 60 x 14 % = 8.40, cost 0.08
    rules = replace(RULES, future_rate=D("0.14"))
    plan = find(book(lot(1, basis="2000"), rules=rules), around(in_the_zero_bracket("5000")))
    assert sold(plan) == {1: D(84)}
    assert plan.tax_now == D("6.00")


def test_the_lots_of_the_highest_gain_per_dollar_go_first():
    lots = (lot(1, basis="5000"), lot(2, basis="1000"), lot(3, basis="3000"))
    rules = replace(RULES, future_rate=D("0.10"))
    plan = find(book(*lots, rules=rules), around(in_the_zero_bracket("9500")))
    # 2: 7,000 of gain; then 50 a share: 50 shares are 2,500
    assert sold(plan) == {2: D(100), 3: D(50)}


def test_using_up_a_carried_loss_costs_what_it_is_worth():
    """A dollar carried is worth $0.05; above what ordinary income can use, gains eat it at that price and no tax."""
    year = in_the_zero_bracket("-100000", carried="50000")
    taken = find(book(lot(1, basis="2000"), rules=RULES), around(year))
    assert sold(taken) == {1: D(100)}
    assert taken.tax_now == D(300)  # 6,000 x 0.05
    cheap = replace(RULES, future_rate=D("0.05"))
    assert not find(book(lot(1, basis="2000"), rules=cheap), around(year)).pairs


def test_outside_the_zero_bracket_nothing_is_taken():
    plan = find(book(lot(1, basis="2000"), rules=RULES), around(in_the_zero_bracket("-50000")))
    assert not plan.pairs
    assert outcome(plan, 1) is GainOutcome.NOT_WORTH_IT


def test_a_short_term_gain_is_ordinary_income_and_the_sum_decides():
    recent = lot(1, basis="2000", acquired=days_ago(90))
    plan = find(book(recent, rules=RULES), around())  # 12 % now is less than 15 % later
    assert (sold(plan), plan.gains.short, plan.tax_now) == ({1: D(100)}, D(6000), D(720))
    cheap = replace(RULES, future_rate=D("0.12"))
    assert not find(book(recent, rules=cheap), around()).pairs
    # where a carried loss takes it up, its term does not matter
    year = in_the_zero_bracket("-100000", carried="50000")
    assert sold(find(book(recent, rules=RULES), around(year))) == {1: D(100)}


@pytest.mark.parametrize(("floor", "taken"), [("891.99", True), ("892.00", False)])
def test_the_first_lot_of_a_position_must_bring_more_than_the_floor(floor, taken):
    rules = replace(RULES, minimum_pair_benefit=D(floor))
    plan = find(book(lot(1, basis="2000"), rules=rules), around())
    assert bool(plan.pairs) is taken


def test_a_commission_of_both_orders_is_in_the_sum():
    costs = TradingCosts(
        half_spreads={AAA: D("0.0005")}, commissions={TAXABLE: Commission(per_order=D(10))}
    )
    plan = find(book(lot(1, basis="2000"), rules=RULES), around(costs=costs))
    assert plan.cost == D("27.96")


def test_a_gain_so_small_that_it_may_fill_as_a_loss_is_left():
    plan = find(book(lot(1, basis="7850"), lot(2, basis="7800"), rules=RULES), around())
    assert outcome(plan, 1) is GainOutcome.NEARLY_A_LOSS
    assert sold(plan) == {2: D(100)}


def test_what_must_not_be_bought_is_not_sold():
    blocked = around(buy_blocked={AAA: "blocked until 2023-01-15: 10 AAA sold at a loss"})
    plan = find(book(lot(1, basis="2000"), rules=RULES), blocked)
    assert (plan.pairs, outcome(plan, 1)) == ((), GainOutcome.BUY_BLOCKED)


def test_a_restricted_position_is_left():
    kept = around(restricted={(TAXABLE, AAA): "AAA must not be sold in Ann taxable: a gift."})
    plan = find(book(lot(1, basis="2000"), rules=RULES), kept)
    assert (plan.pairs, outcome(plan, 1)) == ((), GainOutcome.RESTRICTED)


def test_what_tonight_sells_or_is_identical_to_it_is_left():
    tonight = around(sold_tonight=frozenset({BBB}), groups=(frozenset({AAA, BBB}),))
    plan = find(book(lot(1, basis="2000"), rules=RULES), tonight)
    assert (plan.pairs, outcome(plan, 1)) == ((), GainOutcome.SOLD_TONIGHT)


def test_a_loss_of_the_same_security_keeps_its_window_open():
    plan = find(book(lot(1, basis="2000"), lot(2, basis="9000"), rules=RULES), around())
    assert (plan.pairs, outcome(plan, 1)) == ((), GainOutcome.CLOSES_WINDOW)


def test_shares_that_another_proposal_sells_are_not_sold_twice_T48():
    plan = find(book(lot(1, basis="2000"), rules=RULES), around(reserved={(1, 0): D(60)}))
    assert sold(plan) == {1: D(40)}
    plan = find(book(lot(1, basis="2000"), rules=RULES), around(reserved={(1, 0): D(100)}))
    assert (plan.pairs, outcome(plan, 1)) == ((), GainOutcome.RESERVED)


def test_retirement_and_unmanaged_accounts_are_not_looked_at():
    plan = find(book(lot(1, basis="2000", account=IRA), rules=RULES), around())
    assert (plan.pairs, plan.findings) == ((), ())


def test_the_budget_of_gains_is_kept():
    limits = Budget(year=2022, long_limit=D(3000))
    usage = Usage(budget=limits, accounts=frozenset({TAXABLE}))
    plan = find(book(lot(1, basis="2000"), rules=RULES), around(usage=usage))
    assert sold(plan) == {1: D(49)}  # 60 a share
    assert plan.gains.long == D(2940)


def test_a_budget_of_no_tax_is_the_zero_bracket():
    year = in_the_zero_bracket("5000")
    usage = Usage(budget=Budget(year=2022, tax_limit=D(0)), accounts=frozenset({TAXABLE}), tax=year)
    rules = replace(RULES, future_rate=D("0.25"))
    assert sold(find(book(lot(1, basis="2000"), rules=rules), around(year))) == {1: D(100)}
    assert sold(find(book(lot(1, basis="2000"), rules=rules), around(year, usage=usage))) == {
        1: D(83)
    }


def test_a_fraction_of_a_share_stays():
    plan = find(book(lot(1, quantity="10.75", basis="200"), rules=RULES), around())
    assert sold(plan) == {1: D(10)}


def test_later_tax_is_discounted_and_weighted():
    rules = HarvestRules(
        future_rate=D("0.20"),
        taxable_sale_chance=D("0.5"),
        discount_rate=D("0.25"),
        horizon_years=D(2),
    )
    assert later_rate(rules, position()) == D("0.064")
    assert later_rate(replace(rules, future_rate=None), position()) == D("0.07616")


def a_ledger(*more: LedgerEntry) -> Ledger:
    bought = LedgerEntry(
        "1", date(2020, 3, 2), str(TAXABLE), EntryKind.BUY, str(AAA), D(100), D(2000)
    )
    return Ledger(
        entries=(bought, *more),
        accounts=(
            LedgerAccount(str(TAXABLE), AccountKind.TAXABLE, "ann"),
            LedgerAccount(str(IRA), AccountKind.ROTH_IRA, "ann"),
        ),
        groups=(),
        policy=Policy(),
    )


def test_the_engine_finds_no_wash_sale_in_a_gain_bought_back():
    assert clean_plan(book(lot(1, basis="2000"), rules=RULES), around(), a_ledger()).pairs


def test_what_the_engine_objects_to_is_left_out():
    """A loss of another lot was sold last week, and nothing said that buying is blocked."""
    other = LedgerEntry(
        "2", date(2020, 3, 3), str(TAXABLE), EntryKind.BUY, str(AAA), D(10), D(2000)
    )
    loss = LedgerEntry("3", days_ago(7), str(TAXABLE), EntryKind.SELL, str(AAA), D(10), D(800))
    from lots.types import LotPick

    loss = replace(loss, picks=(LotPick(lot="2", quantity=D(10), part=0),))
    plan = clean_plan(book(lot(1, basis="2000"), rules=RULES), around(), a_ledger(other, loss))
    assert (plan.pairs, outcome(plan, 1)) == ((), GainOutcome.WASHES)


def test_the_draft_shows_the_sum_and_what_is_not_in_it():
    the_book = book(lot(1, basis="2000"), rules=RULES)
    plan = find(the_book, around())
    made = draft(household=7, plan=plan, book=the_book, around=around())
    assert (made.kind, made.long_gain) == (ProposalKind.GAIN_HARVEST, D(6000))
    assert (made.tax_saved, made.carried_worth, made.cost) == (D(900), D(900), D("7.96"))
    assert made.explanation["gain_sum"] == {
        "gain": "6000",
        "later_tax": "900",
        "tax_now": "0",
        "cost": "7.96",
        "net": "892.04",
    }
    told = made.explanation["assumptions"]
    assert isinstance(told, list)
    assert NOT_COMPUTED in told
    assert any("holding period" in one and "2023-12-29" in one for one in told)
    assert [(one.side, one.quantity) for one in trades_of(plan)] == [
        (Side.SELL, D(100)),
        (Side.BUY, D(99)),
    ]
    assert made.sentence == (
        "Sell AAA at a gain of $6,000.00 and buy the shares back at once: $900.00 of later tax avoided, "
        "$0.00 of tax now, $7.96 of cost; worth $892.04 in all."
    )


def test_a_gift_with_two_bases_is_measured_on_the_donors():
    gift = replace(lot(1, basis="2000"), loss_basis=D(1000), loss_start=days_ago(20))
    assert isinstance(gift, LotRow)
    assert find(book(gift, rules=RULES), around()).gains.long == D(6000)
