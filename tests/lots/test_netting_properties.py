"""Invariants of the netting over random years (H14, H15, H16), and agreement with forms filled in line by line."""

from decimal import Decimal as D
from fractions import Fraction as F

from hypothesis import given
from hypothesis import strategies as st

from accounts.types import FilingStatus
from lots.netting import YearInputs, marginal, marginal_rates, net, with_gains
from lots.rates import Bracket, known_years, rates

signed = st.integers(-60_000, 60_000)
amounts = st.integers(0, 30_000)
incomes = st.one_of(signed, st.integers(-20_000, 900_000))


@st.composite
def years(draw: st.DrawFn) -> YearInputs:
    return YearInputs(
        year=draw(st.sampled_from(known_years())),
        filing_status=draw(st.sampled_from(FilingStatus)),
        ordinary_taxable_income=draw(incomes),
        st_gain_loss=draw(signed),
        lt_gain_loss=draw(signed),
        st_disallowed=draw(amounts),
        lt_disallowed=draw(amounts),
        st_carryover_in=draw(amounts),
        lt_carryover_in=draw(amounts),
        qualified_dividends=draw(amounts),
        magi=draw(st.integers(0, 900_000)),
        nii=draw(st.integers(-5_000, 90_000)),
        state_rate=draw(st.sampled_from((D(0), D("0.05"), D("0.093")))),
    )


@given(years())
def test_h14_lines_add_up_and_the_deduction_keeps_to_its_limit(inputs):
    found = net(inputs)
    limit = 1500 if inputs.filing_status is FilingStatus.MARRIED_SEPARATELY else 3000
    assert found.line16 == found.line7 + found.line15
    assert -limit <= found.line21 <= 0
    if found.line16 >= 0:
        assert found.line21 == found.st_carryover_out == found.lt_carryover_out == 0


@given(years())
def test_h15_what_is_not_used_up_is_carried(inputs):
    found = net(inputs)
    assert found.st_carryover_out >= 0
    assert found.lt_carryover_out >= 0
    if found.line16 < 0:
        loss = -found.line21
        used = max(F(0), min(loss, found.worksheet.line1 + loss))
        assert 0 <= used <= loss
        assert found.st_carryover_out + found.lt_carryover_out == -found.line16 - used


@given(years(), st.integers(0, 200_000))
def test_h16_tax_is_bounded_and_never_falls_when_income_rises(inputs, more):
    found = net(inputs)
    status, table = inputs.filing_status, rates(inputs.year)
    assert 0 <= found.preferential_income <= found.taxable_income
    assert 0 <= found.income_tax <= _schedule(found.taxable_income, table.ordinary[status])
    if inputs.magi <= table.niit_threshold[status]:
        assert found.niit == 0
    richer = _changed(inputs, ordinary_taxable_income=F(inputs.ordinary_taxable_income) + more)
    assert net(richer).income_tax >= found.income_tax


@given(years())
def test_every_figure_is_that_of_the_forms_filled_in_line_by_line(inputs):
    found, form = net(inputs), _filled_in(inputs)
    assert {name: getattr(found, name) for name in form} == form


@given(years(), signed, signed)
def test_what_more_gains_change_is_the_difference_of_two_years(inputs, short, long):
    before, after = net(inputs), net(with_gains(inputs, short=short, long=long))
    change = marginal(inputs, short=short, long=long)
    assert change.tax == after.total_tax - before.total_tax
    assert change.st_carryover == after.st_carryover_out - before.st_carryover_out
    assert change.lt_carryover == after.lt_carryover_out - before.lt_carryover_out
    there_and_back = marginal(with_gains(inputs, short=short, long=long), short=-short, long=-long)
    assert there_and_back.tax == -change.tax


DIRECTIONS = (
    ("gain_short", 1, 0),
    ("gain_long", 0, 1),
    ("loss_short", -1, 0),
    ("loss_long", 0, -1),
)


@given(years(), st.sampled_from(DIRECTIONS), st.fractions(0, 1), st.integers(1, 10**6))
def test_the_slope_holds_exactly_up_to_its_reach_and_not_beyond(inputs, direction, part, far):
    name, short, long = direction
    slope = getattr(marginal_rates(inputs), name)
    sign = short + long
    dollars = F(far) if slope.reach is None else slope.reach * part
    inside = marginal(inputs, short=short * dollars, long=long * dollars)
    assert inside.tax == sign * slope.rate * dollars
    assert inside.st_carryover + inside.lt_carryover == slope.carried * dollars
    if slope.reach is not None:
        assert slope.reach > 0
        just = slope.reach + F(1, 10**6)
        beyond = marginal(inputs, short=short * just, long=long * just)
        carried = beyond.st_carryover + beyond.lt_carryover
        assert (beyond.tax, carried) != (sign * slope.rate * just, slope.carried * just)


def _changed(inputs: YearInputs, **changes: F) -> YearInputs:
    values = {name: getattr(inputs, name) for name in YearInputs.__slots__}
    return YearInputs(**{**values, **changes})


def _schedule(income: F, brackets: tuple[Bracket, ...]) -> F:
    """Tax on an income by walking through the brackets from below."""
    tax, floor = F(0), F(0)
    for bracket in brackets:
        if bracket.upto is None or income <= bracket.upto:
            return tax + (income - floor) * F(bracket.rate)
        tax += (F(bracket.upto) - floor) * F(bracket.rate)
        floor = F(bracket.upto)
    raise AssertionError("the last bracket is open")


def _filled_in(inputs: YearInputs) -> dict[str, F]:
    """Schedule D, the carryover worksheet and the dividend and gain worksheet, with the forms' own conditions."""
    line7 = F(inputs.st_gain_loss) + F(inputs.st_disallowed) - F(inputs.st_carryover_in)
    line15 = F(inputs.lt_gain_loss) + F(inputs.lt_disallowed) - F(inputs.lt_carryover_in)
    line16 = line7 + line15
    limit = F(1500 if inputs.filing_status == "mfs" else 3000)
    line21 = F(0) if line16 >= 0 else -min(-line16, limit)
    income = F(inputs.ordinary_taxable_income) + F(inputs.qualified_dividends)
    income += line16 if line16 > 0 else line21
    short, long = (F(0), F(0)) if line16 >= 0 else _carried(income, line21, line7, line15)
    preferential = F(inputs.qualified_dividends)  # worksheet lines 2 to 4
    if line15 > 0 and line16 > 0:
        preferential += min(line15, line16)
    return {
        "line7": line7,
        "line15": line15,
        "line16": line16,
        "line21": line21,
        "st_carryover_out": short,
        "lt_carryover_out": long,
        "income_tax": _worksheet_tax(inputs, max(income, F(0)), preferential),
    }


def _carried(line1: F, line21: F, line7: F, line15: F) -> tuple[F, F]:
    line3 = max(line1 - line21, F(0))
    line4 = min(-line21, line3)
    line5 = line8 = line13 = F(0)
    if line7 < 0:
        line5 = -line7
        line8 = max(line5 - (line4 + max(line15, F(0))), F(0))
    if line15 < 0:
        line11 = max(line4 - line5, F(0))
        line13 = max(-line15 - (max(line7, F(0)) + line11), F(0))
    return line8, line13


def _worksheet_tax(inputs: YearInputs, line1: F, line4: F) -> F:
    table, status = rates(inputs.year), inputs.filing_status
    zero, fifteen = (F(bracket.upto or 0) for bracket in table.long_term[status][:2])
    line5 = max(line1 - line4, F(0))
    line7 = min(line1, zero)
    line9 = line7 - min(line5, line7)  # taxed at 0 %
    line10 = min(line1, line4)
    line12 = line10 - line9
    line16 = max(min(line1, fifteen) - (line5 + line9), F(0))
    line17 = min(line12, line16)
    line20 = line10 - (line9 + line17)
    line23 = line17 * F(15, 100) + line20 * F(20, 100) + _schedule(line5, table.ordinary[status])
    return min(line23, _schedule(line1, table.ordinary[status]))
