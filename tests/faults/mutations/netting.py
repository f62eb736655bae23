"""Breakages of the year's netting, of the worksheet and of the tax (R31-R34)."""

from tests.faults.mutations.mutation import Mutation

_NETTING = "lots/netting.py"
_BY_HAND = "test_netting.py"

MUTATIONS = (
    Mutation(
        "the loss limit is not applied",
        _NETTING,
        "self.in_income = larger(self.line16, Ray(-self.limit))",
        "self.in_income = self.line16",
        (f"{_BY_HAND}::test_married_filing_separately_may_take_half_the_limit",),
    ),
    Mutation(
        "a carried short-term loss turns long-term",
        _NETTING,
        "lines[8] = larger(NOTHING, lines[5] - lines[7])",
        "lines[8] = NOTHING",
        (f"{_BY_HAND}::test_the_carryover_worksheet_uses_up_no_more_loss_than_there_is_income",),
    ),
    Mutation(
        "line 1 of the worksheet has a floor at zero",
        _NETTING,
        "lines = {1: income, 2: -line21}",
        "lines = {1: larger(NOTHING, income), 2: -line21}",
        (f"{_BY_HAND}::test_a_negative_taxable_income_uses_up_nothing",),
    ),
    Mutation(
        "long-term loss is used first",
        _NETTING,
        "lines[11] = larger(NOTHING, lines[4] - lines[5])",
        "lines[11] = lines[4]",
        (
            f"{_BY_HAND}::test_short_term_loss_is_used_first_and_the_rest_of_the_limit_comes_from_long_term",
        ),
    ),
    Mutation(
        "line 6 of the worksheet forgets the long-term gain",
        _NETTING,
        "lines[6] = larger(NOTHING, line15)",
        "lines[6] = NOTHING",
        (f"{_BY_HAND}::test_a_gain_of_the_other_term_is_used_up_before_the_limit",),
    ),
    Mutation(
        "carryovers in are left out",
        _NETTING,
        "            - Fraction(inputs.lt_carryover_in),\n",
        "            - ZERO,\n",
        ("test_netting_properties.py",),
    ),
    Mutation(
        "disallowed losses are taken off once more",
        _NETTING,
        "+ Fraction(inputs.st_disallowed)",
        "- Fraction(inputs.st_disallowed)",
        (f"{_BY_HAND}::test_disallowed_losses_are_added_back_to_the_side_they_belong_to",),
    ),
    Mutation(
        "short-term gains get long-term rates",
        _NETTING,
        "net_long = larger(NOTHING, smaller(self.line15, self.line16))",
        "net_long = larger(NOTHING, self.line16)",
        (
            "test_netting_properties.py::test_every_figure_is_that_of_the_forms_filled_in_line_by_line",
        ),
    ),
    Mutation(
        "long-term gains are not stacked on ordinary income",
        _NETTING,
        "stacked = _by_brackets(income, long_term) - _by_brackets(below, long_term)",
        "stacked = _by_brackets(preferential, long_term)",
        (f"{_BY_HAND}::test_long_term_gains_are_stacked_on_top_of_ordinary_income",),
    ),
    Mutation(
        "the net investment income tax is on all investment income",
        _NETTING,
        "base = larger(NOTHING, smaller(Ray(Fraction(inputs.nii)) + moved, above))",
        "base = larger(NOTHING, Ray(Fraction(inputs.nii)) + moved)",
        (
            f"{_BY_HAND}::test_niit_is_on_the_smaller_of_net_investment_income_and_income_above_the_threshold",
        ),
    ),
    Mutation(
        "the next dollar does not move modified income",
        _NETTING,
        '        magi=_exact("magi", inputs.magi) + reached,\n',
        '        magi=_exact("magi", inputs.magi),\n',
        (f"{_BY_HAND}::test_niit_follows_the_gain_that_reaches_income",),
    ),
)
