"""Trades that lead into dearer brackets: found at the rates where they end, the best by the exact tax."""

from dataclasses import dataclass, replace
from decimal import Decimal as D

import pytest

from accounts.types import FilingStatus
from lots.netting import YearInputs
from lots.year_tax import TaxPosition, added_tax, position_at, rates_at
from rebalancing.errors import Infeasible
from rebalancing.trades import arrays, best_trades, measures
from rebalancing.trades.bracket_rates import Rates, best_by_brackets
from rebalancing.types import HouseholdState
from tests.rebalancing.states import account, lot, risk, state

VALUE = D(1_000_000)


def tax_at(income: int) -> TaxPosition:
    """A single person of 2022 with this taxable income of work, and no gains yet."""
    return position_at(
        YearInputs(
            year=2022, filing_status=FilingStatus.SINGLE, ordinary_taxable_income=D(income),
            magi=D(income),
        ),
        carried_loss_value=D("0.1"),
    )  # fmt: skip


# Where what a dollar of gain is worth falls with every dollar: worth x - x^2 / 2 width ---------------


@dataclass(frozen=True)
class Sale:
    """Long-term gain realised because at some rate that seemed worth it."""

    tax: TaxPosition
    rate: D
    long_gain: D
    worth: D

    short_gain = D(0)

    @property
    def unreckoned(self) -> D:
        return added_tax(self.tax, short=D(0), long=self.long_gain) - self.rate * self.long_gain

    @property
    def objective(self) -> D:
        return added_tax(self.tax, short=D(0), long=self.long_gain) - self.worth


def sale(tax: TaxPosition, rate: D, *, most: D, width: D) -> Sale:
    """The best at a rate: worth ``most`` for the first dollar of gain and nothing after ``width * most``."""
    gain = max((most - rate) * width, D(0)).quantize(D("0.01"))
    return Sale(tax, rate, gain, most * gain - gain * gain / (2 * width))


@pytest.mark.parametrize("width", [D(300_000), D(700_000), D(1_500_000), D(6_000_000)])
@pytest.mark.parametrize("income", [30_000, 150_000, 300_000])
def test_it_comes_near_the_best_of_all(income: int, width: D) -> None:
    tax, most = tax_at(income), D("0.40")
    first = sale(tax, tax.long_rate, most=most, width=width)
    asked: list[Rates] = []

    def again(rates: Rates) -> Sale:
        asked.append(rates)
        return sale(tax, rates.long, most=most, width=width)

    found = best_by_brackets(first, tax, VALUE, again)
    every = [sale(tax, D(rate) / 1000, most=most, width=width) for rate in range(400)]
    least = min(one.objective for one in every)
    assert len(asked) <= 4
    assert found.objective <= first.objective
    assert found.objective - least <= D("0.02") * (first.objective - least) + 5


def test_it_is_not_asked_again_where_the_bracket_is_not_left_or_there_are_none() -> None:
    def again(_: Rates) -> Sale:
        pytest.fail("asked again")

    tax = tax_at(150_000)
    within = sale(tax, tax.long_rate, most=D("0.20"), width=D(100_000))
    assert within.unreckoned == 0
    assert best_by_brackets(within, tax, VALUE, again) is within
    flat = replace(tax_at(30_000), brackets=None)
    beyond = sale(flat, D(0), most=D("0.4"), width=D(1_500_000))
    assert best_by_brackets(beyond, flat, VALUE, again) is beyond


def test_rates_are_those_of_the_place_that_the_gains_lead_to() -> None:
    tax = tax_at(30_000)
    assert rates_at(tax, short=D(0), long=D(0)) == (tax.short_rate, tax.long_rate)
    # 30,000 of income; the 0 % of long-term gains ends at 41,675 in 2022.
    assert [rates_at(tax, short=D(0), long=D(gain))[1] for gain in (11_000, 12_000)] == [
        0,
        D("0.15"),
    ]
    # A loss so far is made good first, by either term.
    assert rates_at(replace(tax, short=D(-5000)), short=D(0), long=D(12_000))[1] == 0
    flat = replace(tax, brackets=None)
    assert rates_at(flat, short=D(0), long=D(10**6)) == (tax.short_rate, tax.long_rate)


# The whole way, in whole shares ----------------------------------------------------------------------


def concentrated(tax: TaxPosition) -> HouseholdState:
    """$1,000,000: all but $20,000 in one name that has doubled, of which the model wants a quarter."""
    return state(
        accounts=(account(cash="20000"),),
        lots=(lot(1, "9800", "490000", opening=1),),
        prices={1: "100", 2: "100", 3: "100", 4: "100"},
        targets=dict.fromkeys((1, 2, 3, 4), "0.24"),
        tax=tax,
    )


def test_a_sale_into_dearer_brackets_is_weighed_by_what_they_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    household = concentrated(tax_at(30_000))
    found = best_trades.best_trades(household, risk(4))
    asked: list[object] = []

    def only_once(first: object, *_: object) -> object:
        asked.append(first)
        return first

    monkeypatch.setattr(best_trades, "best_by_brackets", only_once)
    plain = best_trades.best_trades(household, risk(4))
    problem, index = arrays.build(household, risk(4))
    exact = [measures.objective(one.trades, problem, index) for one in (found, plain)]
    assert len(asked) == 1
    assert found.long_gain < plain.long_gain
    assert exact[0] < exact[1] - 100
    # The verdict says the same: dollars of tracking cost avoided less all that is paid.
    assert found.worth.avoided - found.worth.cost > plain.worth.avoided - plain.worth.cost


def test_the_objective_is_told_by_the_exact_tax() -> None:
    household = concentrated(tax_at(30_000))
    found = best_trades.best_trades(household, risk(4))
    problem, index = arrays.build(household, risk(4))
    fall = measures.objective((), problem, index) - measures.objective(found.trades, problem, index)
    assert fall == pytest.approx(found.worth.avoided - found.worth.cost, rel=D("1e-4"))


def test_what_is_there_stands_where_no_other_answer_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    household, real, calls = concentrated(tax_at(30_000)), best_trades._solved, []

    def solved(*args: object) -> object:
        calls.append(args)
        if len(calls) > 1:
            raise Infeasible("no answer")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(best_trades, "_solved", solved)
    assert best_trades.best_trades(household, risk(4)).trades
    assert len(calls) > 1
