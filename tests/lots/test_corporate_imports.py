"""Files with corporate actions, from their bytes to the lots and the cash in the database."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import Account
from config.verification import violations
from lots import selectors, services
from lots.models import Disposal, TaxLot, Transaction, WashSale
from lots.types import EntryKind
from securities.importers.refusal import ImportRefused
from tests.factories import make_account, make_firm, make_household, make_security

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).parents[2] / "docs" / "import-formats.md"
TODAY = date(2025, 6, 2)
SYMBOLS = ("AAPL", "EMPL", "EMPX", "STEM", "OLDC", "NEWC", "TINY", "KO", "PG")


@pytest.fixture
def account() -> Account:
    firm = make_firm(pinned_date=TODAY)
    household = make_household(firm)
    for symbol in SYMBOLS:
        make_security(firm, symbol)
    make_account(household, "T-1002")
    return make_account(household, "T-1001")


def bring_in(account: Account, text: str, *, name: str = "f.csv") -> tuple[int, int]:
    """New and known rows."""
    summary = services.import_file(
        firm=account.firm,
        user=None,
        file=text.encode(),
        name=name,
        format=None,
        account=None,
        as_of=TODAY,
    )
    return summary.new, summary.known


def documented_rows() -> str:
    """The example of the documentation with one row of each kind."""
    [example] = re.findall(
        r"One row of each kind:\n\n```csv\n(.*?)```",
        DOCUMENT.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    return str(example)


def open_lots() -> list[tuple[str, str, str, Decimal, Decimal]]:
    return list(
        TaxLot.objects.order_by("security__symbol", "opening", "part").values_list(
            "account__number", "security__symbol", "opening__external_id", "quantity", "basis"
        )
    )


def disposals() -> dict[str, list[tuple[str, str, str, Decimal, Decimal]]]:
    """Sale -> (event, symbol, term, quantity, gain) of its rows."""
    found: dict[str, list[tuple[str, str, str, Decimal, Decimal]]] = {}
    for row in Disposal.objects.select_related("sale", "security").order_by("pk"):
        told = (row.event, row.security.symbol, row.term, row.quantity, row.gain)
        found.setdefault(row.sale.external_id, []).append(told)
    return found


def test_the_documented_example_has_one_row_of_each_kind() -> None:
    kinds = [line.split(",")[3] for line in documented_rows().splitlines()[1:]]

    assert sorted(kinds) == sorted(kind.value for kind in EntryKind)


def test_the_documented_example_becomes_these_lots_and_disposals(account: Account) -> None:
    """Of 101 OLDC for 5,050 half a NEWC (50.00) is paid 61.20; 50 NEWC for 5,000 give 18.75 % to 10 TINY (937.50), and
    50.00 come back: 4,012.50. 60 STEM for 3,900, 1 for 8: 7.5, of which the half (260.00) is paid 262.40. Given away
    first is the dearest AAPL: 0.13 for 24.00, then 9.87 of 100 for 18,429.95; 20 sold for 3,442.00 cost 3,685.99.
    """
    assert bring_in(account, documented_rows()) == (20, 0)

    d = Decimal
    assert open_lots() == [
        ("T-1001", "AAPL", "B-1", d("65.13"), d("12003.4264")),
        ("T-1002", "AAPL", "B-1", d(5), d("921.4975")),
        ("T-1001", "EMPX", "V-1", d(40), d(16544)),
        ("T-1001", "KO", "G-1", d(50), d(3100)),
        ("T-1001", "NEWC", "R-1", d(50), d("4012.5")),
        ("T-1001", "STEM", "O-1", d(7), d(3640)),
    ]
    assert disposals() == {
        "S-1": [("sale", "AAPL", "short", d(20), d("-243.99"))],
        "P-1": [("cash_in_lieu", "STEM", "long", d("0.5"), d("2.4"))],
        "M-1": [("cash_in_lieu", "NEWC", "long", d("0.5"), d("11.2"))],
        "A-1": [("cash_merger", "PG", "long", d(30), d(300))],
        "W-1": [("worthless", "TINY", "long", d(10), d("-937.5"))],
    }
    gift = TaxLot.objects.get(security__symbol="KO")
    assert (gift.loss_basis, gift.loss_start) == (d(2950), date(2024, 3, 5))


def test_cash_of_corporate_actions_counts(account: Account) -> None:
    """25,000 in; 18,429.95, 500.00 and 120.00 out; 3,442.00, 262.40, 61.20, 50.00 and 5,100.00 in.

    Vests and reinvestments are paid by nobody's cash.
    """
    bring_in(account, documented_rows())

    assert selectors.cash(account.household_id)[account.pk] == Decimal("14865.65")


def test_a_book_with_every_kind_of_row_verifies(account: Account) -> None:
    bring_in(account, documented_rows())

    assert list(violations()) == []


def test_the_same_rows_again_are_known(account: Account) -> None:
    bring_in(account, documented_rows())

    assert bring_in(account, documented_rows() + "\n") == (0, 20)
    assert services.rebuild_lots(household_id=account.household_id).inserted == 0


HEAD = "account,external_id,trade_date,kind,symbol,quantity,amount,to_symbol,basis_fraction\n"
BOUGHT = HEAD + (
    "T-1001,B-1,2024-01-03,buy,OLDC,101,5050,,\nT-1002,B-2,2024-01-03,buy,OLDC,101,5050,,\n"
)


def test_each_account_brings_the_cash_of_one_merger(account: Account) -> None:
    """Both files tell of the merger; each pays its own account for half a share."""
    bring_in(account, BOUGHT)
    bring_in(account, HEAD + "T-1001,M-1,2024-05-01,merge,OLDC,0.5,61.20,NEWC,\n", name="one")
    bring_in(account, HEAD + "T-1002,M-9,2024-05-01,merge,OLDC,0.5,62.30,NEWC,\n", name="two")

    assert [(row[0], row[3], row[4]) for row in open_lots()] == [
        ("T-1001", Decimal(50), Decimal(5000)),
        ("T-1002", Decimal(50), Decimal(5000)),
    ]
    assert disposals() == {
        "M-1": [("cash_in_lieu", "NEWC", "short", Decimal("0.5"), Decimal("11.2"))],
        "M-9": [("cash_in_lieu", "NEWC", "short", Decimal("0.5"), Decimal("12.3"))],
    }


def test_a_custodians_cash_stands_beside_what_the_firm_recorded(account: Account) -> None:
    """The recorded merger pays nothing; the custodian's row of the same merger is booked for its cash alone."""
    from django.core.management import call_command

    bring_in(account, BOUGHT)
    call_command("record_action", "merge", "OLDC", "2024-05-01", "--ratio", "0.5", "--to", "NEWC")
    quiet = HEAD + "T-1002,M-9,2024-05-01,merge,OLDC,0.5,,NEWC,\n"
    paid = HEAD + "T-1001,M-1,2024-05-01,merge,OLDC,0.50,61.20,NEWC,\n"

    assert bring_in(account, quiet, name="quiet") == (0, 1)
    assert bring_in(account, paid, name="paid") == (1, 0)
    assert [(row[0], row[3]) for row in open_lots()] == [
        ("T-1001", Decimal(50)),
        ("T-1002", Decimal("50.5")),
    ]
    with pytest.raises(ImportRefused) as refusal:
        bring_in(account, paid.replace("M-1", "M-2").replace("61.20", "61.30"), name="twice")
    assert str(refusal.value.problems[0]) == (
        "twice, line 2, column amount: M-1 has booked this merge with cash in lieu of 61.2, here 61.3: take the row "
        "out, or give it the amount that is booked"
    )


def test_a_refused_action_names_its_row_and_changes_nothing(account: Account) -> None:
    bring_in(account, BOUGHT)
    before = open_lots()

    with pytest.raises(ImportRefused) as refusal:
        bring_in(account, HEAD + "T-1001,A-1,2024-05-01,cash_merger,OLDC,100,6000,,\n", name="bad")

    assert str(refusal.value.problems[0]) == (
        "bad, line 2, column kind: a cash_merger takes the whole position: account T-1001 holds 101 shares of OLDC, "
        "not 100."
    )
    assert open_lots() == before
    assert Transaction.objects.count() == 2


def test_an_action_imported_late_moves_what_was_booked_after_it(account: Account) -> None:
    """A sale at a loss before the merger and a purchase of the successor after it: washed once the merger is known."""
    bring_in(
        account,
        BOUGHT
        + "T-1001,S-1,2024-05-02,sell,OLDC,101,4040,,\nT-1001,B-3,2024-05-20,buy,NEWC,20,1600,,\n",
    )
    assert not WashSale.objects.exists()

    bring_in(account, HEAD + "T-1002,M-9,2024-05-06,merge,OLDC,0.5,,NEWC,\n", name="late")

    [wash] = WashSale.objects.all()
    assert (wash.shares, wash.amount) == (Decimal(40), Decimal(400))
    assert TaxLot.objects.get(opening__external_id="B-3").basis == Decimal(2000)


def test_a_sale_under_the_old_symbol_is_told_the_new_one(account: Account) -> None:
    bring_in(account, BOUGHT)
    bring_in(account, HEAD + "T-1002,N-1,2024-05-01,rename,OLDC,,,NEWC,\n", name="renamed")

    with pytest.raises(ImportRefused) as refusal:
        bring_in(account, HEAD + "T-1001,S-1,2024-05-02,sell,OLDC,10,600,,\n", name="late")

    assert str(refusal.value.problems[0]) == (
        "late, line 2, column quantity: account T-1001 holds 0 shares of OLDC on 2024-05-02, 10 are to leave. Short "
        "positions are not supported (R26): book the missing purchase or delivery, or correct the quantity. OLDC "
        "became NEWC on 2024-05-01: name the shares so."
    )


def test_an_account_that_was_opened_later_has_no_part_in_an_action(account: Account) -> None:
    from django.core.management import call_command

    bring_in(account, BOUGHT)
    late = make_account(account.household, "T-1003")
    Account.objects.filter(pk=late.pk).update(opened_on=date(2024, 6, 3))
    bring_in(account, HEAD + "T-1003,B-3,2024-06-03,buy,OLDC,7,350,,\n", name="later")

    call_command("record_action", "split", "OLDC", "2024-05-01", "--ratio", "2")

    assert not late.transactions.filter(kind=EntryKind.SPLIT).exists()
    assert {row[0]: row[3] for row in open_lots()} == {
        "T-1001": Decimal(202),
        "T-1002": Decimal(202),
        "T-1003": Decimal(7),
    }
