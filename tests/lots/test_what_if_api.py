"""The what-if answer for client systems: the page's figures, every amount a string."""

from datetime import date

import pytest
from django.test import Client

from accounts.models import Account
from lots.types import EntryKind
from tests.clients import make_client
from tests.factories import book, make_account, make_household
from tests.lots.test_what_if_page import account, income

__all__ = ["account"]  # a fixture

pytestmark = pytest.mark.django_db


def ask(client: Client, held: Account, **asked: str):
    address = f"/api/v1/households/{held.household.public_id}/what-if/"
    return client.get(address, {"account": str(held.public_id), "security": "MMM", **asked})


def test_every_method_is_told_with_its_figures(account):
    income(account)
    told = ask(make_client(account.firm), account, shares="60").json()
    assert (told["shares"], told["price"], told["priced_on"]) == ("60", "25", "2026-04-02")
    assert (told["as_of"], told["buy_back_from"]) == ("2026-04-06", "2026-05-07")
    fifo, lifo, hifo, lowest = told["methods"]
    assert [one["relief"] for one in (fifo, lifo, hifo, lowest)] == [
        "fifo", "lifo", "hifo", "lowest_tax",
    ]  # fmt: skip
    assert (fifo["long_gain"], fifo["disallowed"], fifo["long_allowed"]) == ("200", "50", "250")
    assert (fifo["tax"], lifo["tax"], hifo["tax"]) == ("37.5", "-57.2", "-50.6")
    assert fifo["clean_from"] == date(2026, 4, 20).isoformat()
    [line] = fifo["replacements"]
    assert (line["shares"], line["amount"], line["is_permanent"]) == ("10", "50", False)
    assert [lot["shares"] for lot in fifo["sold"]] == ["50", "10"]


def test_a_deciding_switch_is_told_with_its_other_reading(account):
    bobs = make_account(account.household, "T-2", owner="Bob")
    book(bobs, EntryKind.BUY, date(2026, 4, 1), account.firm.securities.get(), "30", amount="810")
    lifo = ask(make_client(account.firm), account, shares="60").json()["methods"][1]
    [line] = [one for one in lifo["readings"] if one["rule"] == "U2"]
    assert (lifo["disallowed"], line["disallowed"], line["tax"]) == ("150", "0", None)
    assert line["reading"] == "No: only the taxpayer's own purchases count"


def test_a_price_may_be_sent(account):
    told = ask(make_client(account.firm), account, shares="60", price="40").json()
    assert (told["price"], told["priced_on"]) == ("40", None)
    assert told["methods"][0]["long_gain"] == "1100"
    assert told["methods"][0]["tax"] is None


def test_more_shares_than_there_are_is_refused_by_name(account):
    answer = ask(make_client(account.firm), account, shares="121")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "what_if_refused"
    assert "holds 120 shares of MMM" in answer.json()["error"]["message"]


def test_what_is_missing_or_unknown_is_named(account):
    answer = ask(make_client(account.firm), account, share="5")
    assert answer.status_code == 400
    assert sorted(answer.json()["error"]["problems"]) == [
        "share: is no field of this request.",
        "shares: This field is required.",
    ]


def test_an_account_of_another_household_is_no_account(account):
    other = make_account(make_household(account.firm, "Other"), "O-1")
    address = f"/api/v1/households/{account.household.public_id}/what-if/"
    answer = make_client(account.firm).get(
        address, {"account": str(other.public_id), "security": "MMM", "shares": "1"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "Choose an account of this household."
