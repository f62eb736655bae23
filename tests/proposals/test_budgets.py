"""What a yearly budget of gains takes and what it does not, in literals."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from accounts.types import FilingStatus
from lots.netting import YearInputs
from lots.types import LotRow
from lots.year_tax import TaxPosition, position_at
from proposals.budgets import (
    Budget,
    Excess,
    Gains,
    Limit,
    Usage,
    capped,
    excesses,
    fits,
    gains_of,
    rows,
    without,
)
from proposals.drafts import problems_of
from proposals.staleness import moved_inputs
from proposals.types import ProposalKind, Proration
from securities.types import Quote
from tests.proposals import trades
from tests.proposals.trades import IRA, LOT, OLD, TAXABLE, TODAY, draft, facts, sale

D = Decimal
TAX = TaxPosition(
    short_rate=D("0.40"),
    long_rate=D("0.20"),
    ordinary_rate=D("0.35"),
    loss_limit=D(3000),
    carried_loss_value=D("0.12"),
    short=D(0),
    long=D(0),
)


def usage(**changes: object) -> Usage:
    """$5,000 of short-term gain, $20,000 of long-term gain, $4,000 of tax."""
    budget = Budget(year=2022, short_limit=D(5000), long_limit=D(20000), tax_limit=D(4000))
    base = Usage(budget=budget, accounts=frozenset({TAXABLE}), tax=TAX)
    return replace(base, **changes)  # type: ignore[arg-type]


def gains(short: str = "0", long: str = "0") -> Gains:
    return Gains(D(short), D(long))


def broken(found: tuple[Excess, ...]) -> dict[Limit, tuple[Decimal | None, Decimal | None]]:
    return {excess.limit: (excess.before, excess.after) for excess in found}


def test_gains_up_to_the_limit_fit_and_one_cent_more_does_not():
    assert fits(usage(), gains("5000"))
    assert broken(excesses(usage(), gains("5000.01"))) == {Limit.SHORT: (D(0), D("5000.01"))}


def test_the_sentence_has_the_three_figures():
    (excess,) = excesses(usage(realised=gains("4000")), gains("2200"))
    assert excess.sentence == (
        "The short-term gain budget of 2022 is $5,000.00, $4,000.00 of it is used, "
        "and with these trades it would be $6,200.00."
    )
    assert excess.over == D(1200)


def test_a_booked_loss_gives_room_back_within_its_term_only():
    after_a_loss = usage(realised=gains("-1000"))
    assert fits(after_a_loss, gains("6000"))
    assert not fits(after_a_loss, gains("6000.01"))
    assert not fits(usage(realised=gains(long="-1000")), gains("5000.01"))


def test_an_open_loss_gives_no_room_before_it_is_booked():
    for open_loss in (usage(committed=(gains("-1000"),)), usage(pending=(gains("-1000"),))):
        assert fits(open_loss, gains("5000"))
        assert not fits(open_loss, gains("5000.01"))


def test_an_open_gain_draws_the_budget_down_at_once():
    drawn = usage(committed=(gains("3000"),), pending=(gains("1500"), gains("-900")))
    assert broken(excesses(drawn, gains("501"))) == {Limit.SHORT: (D(4500), D(5001))}
    assert fits(drawn, gains("500"))


def test_a_draft_nets_its_own_gains_and_losses():
    assert fits(usage(), gains("5000") + gains("-3000") + gains("3000"))


def test_an_overdrawn_budget_stops_only_what_adds_to_it():
    overdrawn = usage(realised=gains("9000"))
    assert fits(overdrawn, gains("-2000"))
    assert fits(overdrawn, gains(long="1000"))
    assert not fits(overdrawn, gains("1"))


def test_the_tax_limit_counts_what_sales_here_add_to_the_return_and_never_less_than_nothing():
    # 40 % of 2,000 + 20 % of 16,000 = 4,000
    assert fits(usage(), gains("2000", "16000"))
    assert broken(excesses(usage(), gains("2001", "16000"))) == {Limit.TAX: (D(0), D("4000.40"))}
    row = rows(usage(realised=gains("-2000")))[2]
    assert (row.limit, row.realised, row.left) == (Limit.TAX, D(0), D(4000))


def test_gains_elsewhere_use_no_room_but_are_what_the_tax_comes_on_top_of():
    inputs = YearInputs(
        year=2024,
        filing_status=FilingStatus.MARRIED_JOINTLY,
        ordinary_taxable_income=D(84050),
    )
    outside = replace(inputs, lt_gain_loss=D(10000))  # the 0 % bracket of 2024 ends at 94,050
    alone, beside = (position_at(one, carried_loss_value=D(0)) for one in (inputs, outside))
    assert fits(usage(tax=alone), gains(long="10000"))
    one = usage(tax=alone).use(Limit.TAX, gains(long="10000"))
    other = usage(tax=beside).use(Limit.TAX, gains(long="10000"))
    assert (one, other) == (D(0), D(1500))


def test_a_carried_loss_that_a_gain_uses_up_is_no_tax_of_the_year_T13():
    carried = replace(TAX, long=D(-60000))
    assert usage(tax=carried).use(Limit.TAX, gains(long="50000")) == 0


def test_the_year_without_the_sales_here_is_the_base_of_the_tax():
    booked = replace(TAX, short=D(1500), long=D(800))
    base = without(booked, gains("1000", "500"))
    assert (base.short, base.long) == (D(500), D(300))


def test_where_the_tax_is_not_known_its_budget_takes_no_gain_and_says_why():
    unknown = usage(tax=None, why_no_tax="there is no tax profile of 2022.")
    (excess,) = excesses(unknown, gains("1"))
    assert (excess.limit, excess.after) == (Limit.TAX, None)
    assert "cannot be computed: there is no tax profile of 2022." in excess.sentence
    assert fits(unknown, gains("-1", "0"))


def opened(day: date, proration: Proration, long: str = "20000") -> Budget:
    return Budget(year=day.year, long_limit=D(long), proration=proration).usable_on(day)


@pytest.mark.parametrize(
    ("proration", "day", "usable", "share", "until"),
    [
        (Proration.MONTHLY, date(2022, 1, 1), "1666.66", "1/12", "by 31 January"),
        (Proration.MONTHLY, date(2024, 2, 1), "3333.33", "2/12", "by 29 February"),
        (Proration.MONTHLY, date(2022, 9, 30), "15000.00", "9/12", "by 30 September"),
        (Proration.MONTHLY, date(2022, 11, 30), "18333.33", "11/12", "by 30 November"),
        (Proration.QUARTERLY, date(2022, 3, 31), "5000.00", "1/4", "by 31 March"),
        (Proration.QUARTERLY, date(2022, 4, 1), "10000.00", "2/4", "by 30 June"),
        (Proration.QUARTERLY, date(2022, 9, 30), "15000.00", "3/4", "by 30 September"),
    ],
)
def test_a_prorated_limit_opens_with_the_year_rounded_down_to_the_cent(
    proration: Proration, day: date, usable: str, share: str, until: str
):
    budget = opened(day, proration)
    assert budget.limits == {Limit.LONG: D(usable)}
    assert budget.whole_limits == {Limit.LONG: D(20000)}
    assert budget.share is not None
    assert (str(budget.share), budget.share.by) == (share, until)


@pytest.mark.parametrize("proration", [Proration.MONTHLY, Proration.QUARTERLY])
def test_in_its_last_period_a_budget_is_whole_and_it_never_shrinks_on_the_way(
    proration: Proration,
):
    days = [date(2022, month, day) for month in range(1, 13) for day in (1, 28)]
    usable = [opened(day, proration, "1000.0099").limits[Limit.LONG] for day in days]
    assert usable == sorted(usable)
    assert usable[-1] == D("1000.0099")
    assert opened(date(2022, 12, 1), proration).share is None
    assert opened(date(2022, 1, 1), Proration.NONE).limits == {Limit.LONG: D(20000)}


def test_a_budget_opens_within_its_own_year_only():
    with pytest.raises(ValueError, match="2023-01-01 is no day of 2022"):
        Budget(year=2022).usable_on(date(2023, 1, 1))


def test_the_sentence_and_the_row_name_what_may_be_used_so_far():
    september = usage(
        budget=opened(date(2022, 9, 12), Proration.MONTHLY), realised=gains(long="14000")
    )
    assert fits(september, gains(long="1000"))
    (excess,) = excesses(september, gains(long="1000.01"))
    assert excess.sentence == (
        "The long-term gain budget of 2022 is $20,000.00, of which 9/12 ($15,000.00) may be used by 30 September, "
        "$14,000.00 of it is used, and with these trades it would be $15,000.01."
    )
    row = rows(september)[1]
    assert (row.most, row.whole, row.left) == (D(15000), D(20000), D(1000))
    # what September left over is there in October, on top of October's twelfth
    october = replace(september, budget=opened(date(2022, 10, 3), Proration.MONTHLY))
    assert rows(october)[1].left == D("2666.66")


def test_a_float_is_refused():
    with pytest.raises(TypeError, match="short_limit is a float"):
        Budget(year=2022, short_limit=5000.0)  # type: ignore[arg-type]


def test_only_taxable_sales_of_lots_that_are_held_count():
    lots = {
        (1, 0): LotRow(1, 0, TAXABLE, OLD, trades.BOUGHT, trades.BOUGHT, D(10), D(100)),
        (2, 0): LotRow(2, 0, IRA, OLD, trades.BOUGHT, trades.BOUGHT, D(10), D(100)),
    }
    sales = [
        sale("5", opening=1),
        sale("5", opening=2, account=IRA),
        sale("5", opening=3),
        trades.purchase("5"),
    ]
    found = gains_of(sales, lots, accounts={TAXABLE}, as_of=TODAY)
    assert found == gains("350")


# At submission and at approval

CHEAP = {
    (LOT, 0): LotRow(LOT, 0, TAXABLE, OLD, trades.BOUGHT, trades.BOUGHT, D(20), D(200)),
}
GAIN = sale("20", basis=D(200), pair=0)  # 1,400 short-term


@pytest.mark.parametrize("kind", [ProposalKind.REBALANCE, ProposalKind.SWAP_BACK])
@pytest.mark.parametrize(("limit", "codes"), [("1400", []), ("1399.99", ["over_budget"])])
def test_a_draft_over_the_budget_is_refused_whatever_its_kind(kind, limit, codes):
    limits = Budget(year=2022, short_limit=D(limit))
    known = facts(
        lots=CHEAP, budget=Usage(budget=limits, accounts=frozenset({TAXABLE})), ledger=_ledger()
    )
    found = problems_of(draft(GAIN, kind=kind), known)
    # A swap-back without a purchase is no pair: that is another problem, beside the budget's.
    others = {"unbalanced_pair"} if kind is ProposalKind.SWAP_BACK else set()
    assert [problem.code for problem in found if problem.code not in others] == codes


@pytest.mark.parametrize("has_budget", [True, False])
@pytest.mark.parametrize(("limit", "codes"), [("1400", []), ("1399.99", ["over_budget"])])
def test_a_draft_over_the_limit_for_the_factor_reason_is_refused(limit, codes, has_budget):
    """With a budget of the year and without one; a draft that does not name the limit is not bound by it."""
    usage = Usage(budget=Budget(year=2022), accounts=frozenset({TAXABLE})) if has_budget else None
    known = facts(lots=CHEAP, budget=usage, ledger=_ledger())
    bound = replace(draft(GAIN, kind=ProposalKind.REBALANCE), factor_gain_limit=D(limit))
    assert [problem.code for problem in problems_of(bound, known)] == codes
    assert problems_of(draft(GAIN, kind=ProposalKind.REBALANCE), known) == ()


def test_the_limit_for_the_factor_reason_is_on_the_net_gain_of_the_draft_alone():
    known = capped(
        Usage(budget=Budget(year=2022), accounts=frozenset({TAXABLE}), realised=Gains(D(900), D(0))),
        D(100), accounts=(), year=2022,
    )  # fmt: skip
    assert known is not None
    assert excesses(known, Gains(D(300), D(-200))) == ()
    (excess,) = excesses(known, Gains(D(300), D("-199.99")))
    assert (excess.limit, excess.before, excess.after) == (Limit.FACTOR, D(0), D("100.01"))
    assert excess.sentence == (
        "A rebalance for the factor reason alone may realise a net gain of $100.00, and with these trades it would be "
        "$100.01."
    )
    assert [row.limit for row in rows(known)] == [Limit.SHORT, Limit.LONG, Limit.TAX]


def test_at_approval_the_gain_is_that_of_todays_price():
    limits = Budget(year=2022, short_limit=D(1400))
    known = facts(
        lots=CHEAP,
        budget=Usage(budget=limits, accounts=frozenset({TAXABLE})),
        quotes={OLD: Quote(D("80.50"), TODAY)},
        ledger=_ledger(),
    )
    (moved,) = moved_inputs(
        [GAIN], known, as_of=TODAY, expires_on=TODAY, tax_profile={}, tax_profile_now={}
    )
    assert str(moved) == (
        "short-term gain budget of 2022: $1,400.00, $0.00 of it used → $1,410.00 with these trades"
    )


def _ledger():
    base = facts().ledger
    (entry,) = base.entries
    return replace(base, entries=(replace(entry, amount=D(200)),))


def test_no_order_of_drafts_that_fit_ends_beyond_the_budget():
    """Each accepted draft is open for a while, then booked or taken back, losses too."""
    for seed in range(60):
        rng = Random(seed)
        now = usage()
        for _ in range(12):
            offered = gains(str(rng.randrange(-3000, 4000)), str(rng.randrange(-6000, 9000)))
            if fits(now, offered):
                now = replace(now, committed=(*now.committed, offered))
            if now.committed and rng.random() < 0.5:
                done, *rest = now.committed
                booked = done if rng.random() < 0.7 else gains()  # or taken back
                now = replace(now, committed=tuple(rest), realised=now.realised + booked)
        for limit, most in now.budget.limits.items():
            for ending in (now.realised, now.worlds[1]):  # as it is; with all that is open
                used = now.use(limit, ending)
                assert used is not None
                assert used <= most, (seed, limit)
