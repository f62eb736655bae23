"""One intended sale under every relief method: worked by hand.

The account bought A 50 at 20 on 15 January 2025, B 50 at 30 on 3 March 2025, C 20 at 28 on 20 March 2026. It sells 60
at 25 on 6 April 2026: A and B are long-term, C is in the window and stands until 19 April.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from fractions import Fraction as F

import pytest

from accounts.types import AccountKind, FilingStatus, OwnerKind
from lots.netting import YearInputs
from lots.types import (
    EntryKind,
    Ledger,
    LedgerAccount,
    LedgerEntry,
    LotPick,
    Policy,
    Relief,
    SpousePolicy,
    Term,
)
from lots.what_if import (
    IntendedSale,
    Outcome,
    TooFewShares,
    WhatIfRefused,
    lowest_tax,
    what_if,
)
from lots.year_tax import TaxPosition

DAY = date(2026, 4, 6)
SINGLE = YearInputs(
    year=2026, filing_status=FilingStatus.SINGLE, ordinary_taxable_income=80000, magi=95000
)
TAXABLE = LedgerAccount("T", AccountKind.TAXABLE, "Ann")
IRA = LedgerAccount("R", AccountKind.TRADITIONAL_IRA, "Ann")


def bought(name: str, day: date, shares: str, amount: str, account: str = "T") -> LedgerEntry:
    return LedgerEntry(
        id=name,
        trade_date=day,
        account=account,
        kind=EntryKind.BUY,
        security="M",
        quantity=D(shares),
        amount=D(amount),
    )


A = bought("A", date(2025, 1, 15), "50", "1000")
B = bought("B", date(2025, 3, 3), "50", "1500")
C = bought("C", date(2026, 3, 20), "20", "560")


def ledger(*entries: LedgerEntry, accounts: tuple[LedgerAccount, ...] = (TAXABLE, IRA)) -> Ledger:
    return Ledger(entries=entries, accounts=accounts, groups=(), policy=Policy())


def sale(
    shares: str = "60", *, account: str = "T", picks: tuple[LotPick, ...] = ()
) -> IntendedSale:
    return IntendedSale(
        account=account, security="M", quantity=D(shares), price=D(25), day=DAY, picks=picks
    )


def outcomes(*picks: LotPick, averages: bool = False) -> dict[Relief | None, Outcome]:
    found = what_if(ledger(A, B, C), sale(picks=picks), averages=averages, inputs=SINGLE)
    return {outcome.relief: outcome for outcome in found}


def exact(*numbers: int | str) -> tuple[F, ...]:
    return tuple(map(F, numbers))


def figures(outcome: Outcome) -> tuple[F, ...]:
    """Gain by term, disallowed, allowed by term, tax."""
    assert outcome.effect is not None
    return (
        outcome.gain(Term.SHORT),
        outcome.gain(Term.LONG),
        outcome.disallowed,
        outcome.allowed(Term.SHORT),
        outcome.allowed(Term.LONG),
        outcome.effect.tax,
    )


def test_first_in_first_out_washes_the_loss_of_the_newer_lot():
    found = outcomes()[Relief.FIFO]
    assert [row.lot for row in found.rows] == ["A", "B"]
    assert [(row.quantity, row.gain) for row in found.rows] == [exact(50, 250), exact(10, -50)]
    assert figures(found) == exact(0, 200, 50, 0, 250, "37.50")  # 15 % of 250
    [match] = found.matches
    assert match.replacement == "C"
    assert (match.shares, match.amount) == exact(10, 50)
    assert found.permanent == 0
    assert found.open_until is None  # no loss is left to wash
    assert found.clean_from == date(2026, 4, 20)


def test_last_in_first_out_sells_the_replacement_along():
    found = outcomes()[Relief.LIFO]
    assert figures(found) == exact(-60, -200, 0, -60, -200, "-57.20")  # 22 % of 260
    assert found.clean_from is None
    assert found.open_until == date(2026, 5, 6)


def test_highest_basis_first_keeps_ten_shares_that_wash_ten():
    found = outcomes()[Relief.HIFO]
    assert figures(found) == exact(-30, -250, 50, -30, -200, "-50.60")  # 22 % of 230
    assert found.clean_from == date(2026, 4, 20)


def test_lowest_tax_takes_the_short_term_loss_first():
    found = outcomes()
    assert figures(found[Relief.LOWEST_TAX]) == figures(found[Relief.LIFO])
    best = lowest_tax(tuple(found.values()))
    assert [one.relief for one in best] == [Relief.LIFO, Relief.LOWEST_TAX]  # equal in all


def test_of_equal_tax_the_one_that_carries_more_loss_is_the_lowest():
    """The year's 3,000 are used up: no method saves tax this year, but not all carry the same on."""
    used_up = YearInputs(
        year=2026,
        filing_status=FilingStatus.SINGLE,
        ordinary_taxable_income=80000,
        st_gain_loss=-3000,
    )
    cheap = replace(sale(), price=D(20))  # FIFO loses 100 of which all is washed
    found = what_if(ledger(A, B, C), cheap, inputs=used_up)
    told = [(one.effect.tax, one.effect.carried) for one in found if one.effect is not None]
    assert told == [exact(0, loss) for loss in (0, 560, 480, 560)]  # FIFO's loss of 100 is washed
    assert [one.relief for one in lowest_tax(found)] == [Relief.LIFO, Relief.LOWEST_TAX]


def test_the_lots_picked_stand_beside_the_methods():
    found = outcomes(LotPick("A", D(40)), LotPick("B", D(20)))
    assert list(found) == [None, Relief.FIFO, Relief.LIFO, Relief.HIFO, Relief.LOWEST_TAX]
    assert figures(found[None]) == exact(0, 100, 100, 0, 200, 30)


def test_average_basis_is_offered_for_funds_only():
    assert Relief.AVERAGE not in outcomes()
    # 3,060 over 120 shares is 25.50: a loss of 0.50 a share, 20 of them washed by C.
    found = outcomes(averages=True)[Relief.AVERAGE]
    assert figures(found) == exact(0, -30, 10, 0, -20, "-4.40")


def test_a_purchase_of_an_ira_takes_the_loss_for_ever():
    in_ira = bought("I", date(2026, 4, 1), "5", "130", account="R")
    found = what_if(ledger(A, B, in_ira), sale(), inputs=SINGLE)[0]
    assert (found.disallowed, found.permanent) == exact(25, 25)
    assert found.allowed(Term.LONG) == 225
    assert found.clean_from == date(2026, 5, 2)
    assert found.open_until == date(2026, 5, 6)  # 25 of the loss are still allowed


def test_a_switch_that_decides_is_told_with_the_figures_of_its_other_reading():
    """The spouse bought C: under TAXPAYER_ONLY the loss of 50 counts, and 15 % of 200 are due."""
    hers = LedgerAccount("S", AccountKind.TAXABLE, "Bob")
    book = ledger(A, B, replace(C, account="S"), accounts=(TAXABLE, hers))
    fifo = what_if(book, sale(), inputs=SINGLE)[0]
    assert figures(fifo) == exact(0, 200, 50, 0, 250, "37.50")
    [spouse] = [one for one in fifo.others if one.rule == "U2"]
    assert (spouse.in_force, spouse.reading) == (
        SpousePolicy.HOUSEHOLD_BASIS_TO_SPOUSE, SpousePolicy.TAXPAYER_ONLY,
    )  # fmt: skip
    assert figures(spouse.outcome) == exact(0, 200, 0, 0, 200, 30)
    assert {one.rule for one in fifo.others} <= set(fifo.matches[0].rule_ids)


def test_what_no_switch_decides_has_no_other_reading():
    assert outcomes()[Relief.LIFO].others == ()


def test_loss_beyond_the_limit_is_carried():
    late = YearInputs(
        year=2026,
        filing_status=FilingStatus.SINGLE,
        ordinary_taxable_income=80000,
        st_gain_loss=-2900,
    )
    found = what_if(ledger(A, B, C), sale(), inputs=late)[1]
    assert found.effect is not None
    assert (found.effect.tax, found.effect.carried) == exact(-22, 160)  # 100 used at 22 %
    assert found.effect.parts is not None
    assert (found.effect.parts.st_carryover, found.effect.parts.lt_carryover) == exact(0, 160)


def test_stated_rates_price_the_sale_where_no_income_is_known():
    position = TaxPosition(
        short_rate=D("0.32"),
        long_rate=D("0.20"),
        ordinary_rate=D("0.30"),
        loss_limit=D(3000),
        carried_loss_value=D("0.12"),
        short=D(-2900),
        long=D(0),
    )
    fifo, lifo, *_ = what_if(ledger(A, B, C), sale(), position=position)
    assert fifo.effect is not None
    assert lifo.effect is not None
    assert (fifo.effect.tax, fifo.effect.carried) == exact(
        75, 0
    )  # 250 less loss against income at 30 %
    assert (lifo.effect.tax, lifo.effect.carried) == exact(-30, 160)
    assert lifo.effect.parts is None


def test_there_is_no_tax_without_a_tax_year_nor_for_a_corporation():
    assert [one.effect for one in what_if(ledger(A, B, C), sale())] == [None] * 4
    company = LedgerAccount("T", AccountKind.TAXABLE, "Co", OwnerKind.CORPORATION)
    found = what_if(ledger(A, B, C, accounts=(company, IRA)), sale(), inputs=SINGLE)
    assert [one.effect for one in found] == [None] * 4
    assert lowest_tax(found) == ()


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(WhatIfRefused, match="retirement account"):
        what_if(ledger(A, B, C), sale(account="R"))
    with pytest.raises(WhatIfRefused, match="above 0"):
        what_if(ledger(A, B, C), sale("0"))
    with pytest.raises(WhatIfRefused, match="do not add up"):
        what_if(ledger(A, B, C), sale(picks=(LotPick("A", D(5)),)))
    with pytest.raises(TooFewShares) as refusal:
        what_if(ledger(A, B, C), sale("121"))
    assert (refusal.value.held, refusal.value.wanted) == (F(120), D(121))


def test_picks_that_the_account_does_not_hold_are_refused_alone():
    found = what_if(ledger(A, B, C), sale(picks=(LotPick("Z", D(60)),)), inputs=SINGLE)
    assert "holds no shares of lot Z" in found[0].refusal
    assert found[0].effect is None
    assert found[1].refusal == ""
