"""Netting, carryovers, tax and what the next dollar costs: worked by hand to the cent."""

from decimal import Decimal as D
from fractions import Fraction as F

import pytest

from accounts.types import FilingStatus
from lots.netting import (
    Slope,
    YearInputs,
    gain_in_income,
    marginal,
    marginal_rates,
    net,
    with_gains,
)
from lots.rates import UnknownYear
from lots.rounding import cents

SINGLE = FilingStatus.SINGLE


def year(
    status: FilingStatus = SINGLE, *, in_year: int = 2026, **money: int | str | F
) -> YearInputs:
    """Inputs with money written as integers or decimal strings."""
    exact = {name: D(value) if isinstance(value, str) else value for name, value in money.items()}
    return YearInputs(year=in_year, filing_status=status, **exact)


def exact(*dollars: int) -> tuple[F, ...]:
    return tuple(map(F, dollars))


def worksheet(inputs: YearInputs) -> list[int]:
    lines = net(inputs).worksheet
    return [int(getattr(lines, f"line{line}")) for line in range(1, 14)]


def test_the_carryover_worksheet_uses_up_no_more_loss_than_there_is_income():
    given = year(ordinary_taxable_income=1000, st_gain_loss=-2000, lt_gain_loss=-6000)
    assert worksheet(given) == [-2000, 3000, 1000, 1000, 2000, 0, 1000, 1000, 6000, 0, 0, 0, 6000]


def test_a_negative_taxable_income_uses_up_nothing():
    given = year(ordinary_taxable_income=-500, st_gain_loss=-2000, lt_gain_loss=-6000)
    assert worksheet(given) == [-3500, 3000, 0, 0, 2000, 0, 0, 2000, 6000, 0, 0, 0, 6000]
    assert net(given).taxable_income == net(given).income_tax == 0


def test_short_term_loss_is_used_first_and_the_rest_of_the_limit_comes_from_long_term():
    given = year(ordinary_taxable_income=80000, st_gain_loss=-1000, lt_gain_loss=-9000)
    # 3,000 used: 1,000 short, 2,000 long; 7,000 long-term are left.
    expected = [77000, 3000, 80000, 3000, 1000, 0, 3000, 0, 9000, 0, 2000, 2000, 7000]
    assert worksheet(given) == expected


def test_a_gain_of_the_other_term_is_used_up_before_the_limit():
    short_gain = year(ordinary_taxable_income=80000, st_gain_loss=4000, lt_gain_loss=-9000)
    assert worksheet(short_gain)[8:] == [9000, 4000, 3000, 7000, 2000]
    long_gain = year(ordinary_taxable_income=80000, st_gain_loss=-9000, lt_gain_loss=4000)
    assert worksheet(long_gain)[3:8] == [3000, 9000, 4000, 7000, 2000]


def test_carryovers_keep_their_term_on_their_way_into_the_next_year():
    first = net(year(ordinary_taxable_income=80000, st_gain_loss=-4000, lt_gain_loss=-2000))
    assert (first.st_carryover_out, first.lt_carryover_out) == exact(1000, 2000)
    second = net(
        year(
            ordinary_taxable_income=80000,
            st_carryover_in=first.st_carryover_out,
            lt_carryover_in=first.lt_carryover_out,
            lt_gain_loss=2500,
        )
    )
    assert (second.line7, second.line15, second.line16, second.line21) == exact(
        -1000, 500, -500, -500
    )
    assert (second.st_carryover_out, second.lt_carryover_out) == exact(0, 0)


def test_married_filing_separately_may_take_half_the_limit():
    given = year(FilingStatus.MARRIED_SEPARATELY, ordinary_taxable_income=50000, lt_gain_loss=-5000)
    assert net(given).line21 == -1500
    assert net(given).lt_carryover_out == 3500


def test_disallowed_losses_are_added_back_to_the_side_they_belong_to():
    given = year(st_gain_loss=-1000, st_disallowed=400, lt_gain_loss=-500, lt_disallowed="500.00")
    assert (net(given).line7, net(given).line15) == exact(-600, 0)


def test_long_term_gains_are_stacked_on_top_of_ordinary_income():
    # 10 % of 12,400, 12 % of 32,600; 49,450 is the top of 0 %, so 2,550 of the 7,000 are taxed at 15 %.
    given = year(ordinary_taxable_income=45000, qualified_dividends=2000, lt_gain_loss=5000)
    assert cents(net(given).income_tax) == D("5534.50")


def test_preferential_rates_never_cost_more_than_ordinary_ones():
    # 2025: 0 % ends at 48,350, 12 % at 48,475. Stacked the 100 cost 15.00, as ordinary income 12.00.
    given = year(in_year=2025, ordinary_taxable_income=48350, qualified_dividends=100)
    assert cents(net(given).income_tax) == D("5575.50")


def test_a_loss_of_other_income_eats_into_the_preferential_part():
    given = year(ordinary_taxable_income=-4000, lt_gain_loss=10000)
    assert net(given).taxable_income == net(given).preferential_income == 6000


@pytest.mark.parametrize(
    ("magi", "nii", "tax"),
    [(230000, 20000, "760.00"), (210000, 20000, "380.00"), (200000, 20000, "0.00"), (300000, -50, "0.00")],
)  # fmt: skip
def test_niit_is_on_the_smaller_of_net_investment_income_and_income_above_the_threshold(
    magi, nii, tax
):
    assert cents(net(year(ordinary_taxable_income=150000, magi=magi, nii=nii)).niit) == D(tax)


def test_a_state_rate_is_taken_of_taxable_income():
    given = year(ordinary_taxable_income=60000, lt_gain_loss=10000, state_rate="0.05")
    assert net(given).state_tax == 3500
    assert cents(net(given).total_tax) == D("12912.00")  # 9,412.00 federal


def test_figures_are_exact_and_rounded_by_nobody():
    third = year(ordinary_taxable_income=60000, st_gain_loss=F(100, 3))
    assert net(third).line16 == F(100, 3)
    assert net(third).income_tax == net(year(ordinary_taxable_income=60000)).income_tax + F(22, 3)


def test_an_unknown_year_is_refused():
    with pytest.raises(UnknownYear, match="2031"):
        net(year(in_year=2031))


@pytest.mark.parametrize("value", [1.5, True])
def test_only_exact_money_is_taken(value):
    with pytest.raises(TypeError, match="magi"):
        year(magi=value)
    with pytest.raises(TypeError, match="short"):
        marginal(year(), short=value, long=0)


def test_amounts_that_cannot_be_negative_are_refused():
    with pytest.raises(ValueError, match="st_carryover_in is -1"):
        year(st_carryover_in=-1)
    with pytest.raises(ValueError, match="lt_gain_loss is NaN"):
        year(lt_gain_loss="NaN")


def test_what_a_sale_changes_is_the_difference_of_two_years():
    # Married, 90,000: 8,900 of the gain at 0 %, 21,100 at 15 %.
    couple = year(FilingStatus.MARRIED_JOINTLY, ordinary_taxable_income=90000)
    assert marginal(couple, short=0, long=30000).tax == 3165


def test_a_loss_saves_tax_up_to_the_limit_and_carries_the_rest():
    change = marginal(
        year(ordinary_taxable_income=80000, state_rate="0.05"), short=-5000, long=D(-1000)
    )
    assert (change.income_tax, change.state_tax) == exact(-660, -150)  # 22 % and 5 % of 3,000
    assert (change.st_carryover, change.lt_carryover) == exact(2000, 1000)
    assert change.tax == -810


def test_niit_follows_the_gain_that_reaches_income():
    given = year(ordinary_taxable_income=180000, magi=199000, nii=5000)
    assert marginal(given, short=0, long=3000).niit == F(38, 1000) * 2000
    assert marginal(given, short=-3000, long=0).niit == 0
    rich = year(ordinary_taxable_income=300000, magi=320000, nii=5000)
    assert marginal(rich, short=-9000, long=0).niit == F(38, 1000) * -3000  # no more than line 21


def test_gains_that_losses_absorb_do_not_reach_income():
    assert gain_in_income(year(st_gain_loss=-10000)) == -3000
    more = with_gains(year(st_gain_loss=-10000, magi=50000), short=0, long=8000)
    assert more.magi == 51000  # from -3,000 to -2,000


def test_the_next_dollar_where_ordinary_income_pushes_gains_out_of_the_zero_bracket():
    # 45,000 ordinary and 10,000 long-term: 0 % ends at 49,450.
    slopes = marginal_rates(year(ordinary_taxable_income=45000, lt_gain_loss=10000))
    assert slopes.gain_short == Slope(F(27, 100), F(0), F(4450))  # 12 % and 15 % of a pushed dollar
    assert slopes.gain_long == Slope(F(15, 100), F(0), F(200000))  # then the NIIT begins
    assert slopes.loss_short == Slope(F(15, 100), F(0), F(5550))  # eats long-term gain first
    assert slopes.loss_long == Slope(F(15, 100), F(0), F(5550))


def test_the_next_dollar_at_a_net_of_zero():
    slopes = marginal_rates(year(ordinary_taxable_income=80000, magi=90000))
    assert slopes.gain_short == Slope(F(22, 100), F(0), F(25700))  # up to 105,700
    assert slopes.gain_long == Slope(F(15, 100), F(0), F(110000))  # NIIT above 200,000
    assert slopes.loss_short == slopes.loss_long == Slope(F(22, 100), F(0), F(3000))


def test_the_next_dollar_beyond_the_limit_goes_into_the_carryover():
    slopes = marginal_rates(year(ordinary_taxable_income=80000, lt_gain_loss=-5000))
    assert slopes.loss_short == slopes.loss_long == Slope(F(0), F(1), None)
    assert slopes.gain_short == slopes.gain_long == Slope(F(0), F(-1), F(2000))


def test_the_next_dollar_crosses_the_niit_threshold():
    couple = year(
        FilingStatus.MARRIED_JOINTLY, ordinary_taxable_income=200000, magi=249000, nii=5000
    )
    assert marginal_rates(couple).gain_long == Slope(F(15, 100), F(0), F(1000))
    assert marginal_rates(with_gains(couple, short=0, long=1000)).gain_long.rate == F(188, 1000)


def test_gain_and_loss_differ_at_a_kink():
    slopes = marginal_rates(year(ordinary_taxable_income=50400, lt_gain_loss=0))
    assert (slopes.gain_short.rate, slopes.loss_short.rate) == (F(22, 100), F(12, 100))


def test_lines_that_cross_without_changing_the_rate_are_no_kink():
    # Of the worksheet only the smaller tax counts: the ordinary brackets of the whole income bend unseen.
    slopes = marginal_rates(year(ordinary_taxable_income=20000, lt_gain_loss=40000, magi=65000))
    assert slopes.gain_long == Slope(F(15, 100), F(0), F(135000))
    top = year(ordinary_taxable_income=700000, magi=800000)
    assert marginal_rates(top).gain_short == Slope(F(408, 1000), F(0), None)
