"""What an adviser reads about a harvest, and what is kept to prove it."""

import json
from dataclasses import replace
from decimal import Decimal

from harvesting import drafts
from harvesting.types import AccountFacts, Book, Surroundings
from proposals.types import DraftProposal, ProposalKind, Side
from tests.harvesting.books import (
    AAA,
    ACCOUNTS,
    BBB,
    CCC,
    EEE,
    IRA,
    SPOUSE,
    TAXABLE,
    TODAY,
    around,
    book,
    lot,
    plan,
    position,
)

SPREADS = {AAA: Decimal("0.0005"), BBB: Decimal("0.0005"), CCC: Decimal("0.0002")}


def drafted(the_book: Book, surroundings: Surroundings) -> DraftProposal:
    found = plan(the_book, surroundings)
    return drafts.draft(
        household=7, plan=found, findings=found.findings, book=the_book, around=surroundings
    )


def example() -> DraftProposal:
    """Two lots of two securities in one account, one in the spouse's, and a loss under the floor."""
    return drafted(
        book(
            lot(1),
            lot(2, BBB, "33", "2900.33"),
            lot(3, account=SPOUSE),
            lot(4, quantity="1", basis="90"),
        ),
        around(half_spreads=SPREADS),
    )


def test_the_legs_of_a_pair_stand_together():
    legs = [(trade.pair, trade.side, trade.account, trade.security) for trade in example().trades]
    assert legs == [
        (1, Side.SELL, TAXABLE, AAA),
        (1, Side.SELL, TAXABLE, BBB),
        (1, Side.BUY, TAXABLE, CCC),
        (2, Side.SELL, SPOUSE, AAA),
        (2, Side.BUY, SPOUSE, CCC),
    ]


def test_the_headline_is_the_sum_of_the_trades():
    draft = example()
    assert draft.kind is ProposalKind.HARVEST
    assert draft.short_gain + draft.long_gain == sum(trade.gain for trade in draft.trades)
    rows = draft.explanation["candidates"]
    assert isinstance(rows, list)
    assert sum(Decimal(row["tax_saved"]) for row in rows) == draft.tax_saved
    assert sum(Decimal(row["cost"]) for row in rows) == draft.cost


def test_each_candidate_shows_its_sum():
    rows = example().explanation["candidates"]
    assert isinstance(rows, list)
    assert rows[0] == {
        "account": "Ann taxable",
        "security": "AAA",
        "acquired": "2020-03-02",
        "term": "long",
        "shares": "100",
        "price": "80",
        "amount": "8000",
        "basis": "10000",
        "loss": "2000",
        "tax_saved": "476",
        "cost": "5.59",  # 4.00 to sell, 1.594 of the 2.12 to buy 212 CCC
        "net": "470.41",
        "terms": {
            "saved": "476",
            "later": "0",
            "cost": "5.59",
            "window": "0",
            "swap_back": "0",
            "tracking": "0",
            "dividends": "0",
            "wash": "0",
            "net": "470.41",
            "net_bp": "588.01",  # of 8,000
        },
        "deferred": "0",
        "goes_along": "",
        "substitute": "CCC",
    }


def test_the_two_tax_computations_are_shown():
    draft = drafted(book(lot(1)), around(tax=position(short="500", long="-3000")))
    assert draft.explanation["tax"] == {
        "short_before": "500",
        "long_before": "-3000",
        "tax_before": "-925",
        "short_after": "500",
        "long_after": "-5000",
        "tax_after": "-1290",  # 3,000 at 37 %, 1,500 at 12 cents
        "tax_saved": "365",
    }


def test_what_was_passed_over_is_counted():
    assert example().explanation["passed_over"] == {"below_floor": {"lots": 1, "loss": "10"}}


def test_the_assumed_value_of_carried_losses_is_stated():
    draft = drafted(book(lot(1)), around(tax=position(long="-2000", carried="0.1")))
    assert draft.explanation["assumptions"] == [
        "A dollar of loss carried to later years is taken to be worth $0.1; $1,000.00 of these "
        "losses are carried.",
        "Rates on one more dollar: short-term 40.8 %, long-term 23.8 %, ordinary income 37 %; a "
        "net loss of $3,000.00 counts against ordinary income.",
        "The substitute is taken to be sold in 10 years at a tax rate of 23.8 %, taxable with a chance of 0 %, "
        "discounted at 5 % a year.",
        "One per cent of tracking error is priced at 0 basis points a year; a swap back is taken to be as likely as "
        "0 %.",
        "Each leg costs half the spread, the custodian's commission, and impact where a daily volume is known.",
    ]


def test_accounts_that_were_not_seen_are_mentioned():
    assert example().explanation["coverage"] == (
        "Purchases were looked for in the 2 accounts of this household on the books. Not checked, "
        "because their transactions are not here: Bob 401(k) (B-9). Purchases there can disallow a "
        "loss. Accounts that nobody declared were not seen."
    )


def test_reinvestment_of_an_identical_security_in_the_ira_is_to_be_switched_off():
    accounts = {**ACCOUNTS, IRA: AccountFacts("Ann IRA", False, reinvests_dividends=True)}
    draft = drafted(
        book(lot(1), lot(2, EEE, account=IRA), lot(3, BBB, account=IRA), accounts=accounts),
        around(groups=(frozenset({AAA, EEE}),)),
    )
    assert draft.explanation["instructions"] == [
        "Switch reinvestment of EEE off in Ann IRA until 2023-02-02."
    ]


def test_the_same_inputs_have_the_same_text_and_others_another():
    surroundings = around(half_spreads=SPREADS)
    same = drafted(book(lot(1)), surroundings).inputs
    assert drafted(book(lot(1)), surroundings).inputs == same
    assert drafted(book(lot(1), prices={CCC: "50.01"}), surroundings).inputs != same
    other = replace(surroundings, tax=position(long="99999"))
    assert drafted(book(lot(1)), other).inputs != same
    facts = json.loads(same)
    assert (facts["book"]["as_of"], facts["taken"]) == (TODAY.isoformat(), [[1, 0, "100"]])
    assert facts["book"]["prices"][str(AAA)] == {"price": "80", "day": TODAY.isoformat()}
