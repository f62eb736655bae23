"""Upload, look, confirm: what was shown is what is booked, and nothing else."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.test import Client
from django.utils import timezone

from accounts.errors import Conflict, NotAllowed
from accounts.models import Account, User
from accounts.types import Role
from lots import services
from lots.changes import Standing
from lots.models import Disposal, ImportDraft, ImportedFile, TaxLot, Transaction
from lots.services.drafting import DRAFT_LIFE, ImportPreview
from lots.services.reporting import mark_reported
from lots.types import EntryKind
from securities.importers.refusal import ImportRefused
from tests.factories import book, make_account, make_firm, make_household, make_security, make_user

pytestmark = pytest.mark.django_db

HEADER = "external_id,trade_date,kind,symbol,quantity,amount\n"
LATE = HEADER + "L-1,2023-12-11,buy,AAA,30,960\n"


@pytest.fixture
def account() -> Account:
    """100 AAA bought at 40 and sold at 31 in December 2023: a loss of 900, 9 a share, and the year is over."""
    account = make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))
    aaa = make_security(account.firm, "AAA")
    book(account, EntryKind.BUY, date(2022, 2, 3), aaa, "100", amount="4000")
    book(account, EntryKind.SELL, date(2023, 12, 4), aaa, "100", amount="3100")
    return account


@pytest.fixture
def user(account: Account) -> User:
    return make_user(account.firm)


def draft(user: User, account: Account, text: str = LATE, name: str = "late.csv") -> ImportPreview:
    file = SimpleUploadedFile(name, text.encode())
    return services.draft_import(user=user, file=file, account=account.public_id)


def confirm(user: User, seen: ImportPreview, sha256: str = "") -> str:
    assert seen.draft is not None
    return services.confirm_import(user=user, public_id=seen.draft, sha256=sha256 or seen.sha256)


def test_a_draft_shows_the_years_and_lots_that_change_and_books_nothing(
    account: Account, user: User
) -> None:
    seen = draft(user, account)

    [year] = seen.changes.years
    assert (year.household, year.owner, year.change.year) == ("Miller", "Ann", 2023)
    assert year.change.standing is Standing.CLOSED
    assert (year.change.before.long, year.change.after.long) == (Decimal(-900), Decimal(-630))
    assert (year.change.before.disallowed, year.change.after.disallowed) == (
        Decimal(0),
        Decimal(270),
    )
    assert (seen.changes.lots, seen.changes.new_lots) == ((), 1)
    assert Transaction.objects.count() == 2
    assert Disposal.objects.get().disallowed == 0
    assert not ImportedFile.objects.exists()
    assert not TaxLot.objects.exists()


def test_a_confirmed_draft_is_booked_as_shown_and_gone(account: Account, user: User) -> None:
    seen = draft(user, account)

    assert confirm(user, seen) == "late.csv: 1 transactions new, 0 known, in 1 households."

    assert Disposal.objects.get().disallowed == 270
    assert TaxLot.objects.get().basis == Decimal(1230)
    assert ImportedFile.objects.get().imported_by == user
    assert not ImportDraft.objects.exists()
    assert confirm(user, seen) == "late.csv: booked already, nothing changed."
    assert Transaction.objects.count() == 3
    stranger = make_user(make_firm("Other Advisers"), "eve")
    with pytest.raises(Http404):
        confirm(stranger, seen)


def test_a_file_that_brings_nothing_new_needs_no_confirmation(account: Account, user: User) -> None:
    confirm(user, draft(user, account))

    assert draft(user, account).draft is None
    assert draft(user, account).sentence == (
        "late.csv: this file was imported before, nothing changed."
    )
    again = draft(user, account, LATE + "\n")
    assert again.draft is None
    assert again.sentence == "late.csv: all 1 transactions are known, nothing changed."
    assert not again.changes


def test_a_lot_that_a_late_sale_takes_from_is_listed(account: Account, user: User) -> None:
    aaa = account.firm.securities.get(symbol="AAA")
    lot = book(account, EntryKind.BUY, date(2024, 6, 3), aaa, "10", amount="400")

    seen = draft(user, account, HEADER + "S-9,2024-07-01,sell,AAA,4,200\n")

    [row] = seen.changes.lots
    assert (row.account, row.symbol, row.external_id) == ("T-1", "AAA", lot.external_id)
    assert row.change.before is not None
    assert row.change.after is not None
    assert (row.change.before.quantity, row.change.after.quantity) == (Decimal(10), Decimal(6))
    assert list(seen.changes.lines()) == [
        "Miller: Ann, 2024: short-term 0 -> 40; 1 sales new, 0 changed, 0 gone.",
        "T-1: lot T-1-3 of AAA, 2024-06-03: shares 10 -> 6, basis 400 -> 240.",
        "0 new lots.",
    ]


def test_a_lot_that_moves_is_named_as_people_name_it(account: Account, user: User) -> None:
    """A merger and a transfer: symbols and account numbers, before and after, never keys of the database."""
    aaa = account.firm.securities.get(symbol="AAA")
    make_security(account.firm, "NEW")
    make_account(account.household, "T-2")
    lot = book(account, EntryKind.BUY, date(2024, 6, 3), aaa, "10", amount="400")
    text = (
        "external_id,trade_date,kind,symbol,to_symbol,quantity,to_account\n"
        "M-1,2024-07-01,merge,AAA,NEW,0.5,\nX-1,2024-07-02,transfer,NEW,,5,T-2\n"
    )

    seen = draft(user, account, text)

    [row] = seen.changes.lots
    assert (row.account_before, row.account) == ("T-1", "T-2")
    assert (row.symbol_before, row.symbol) == ("AAA", "NEW")
    assert next(iter(seen.changes.lines())) == (
        f"T-2: lot {lot.external_id} of NEW, 2024-06-03: "
        "shares 10 -> 5, account T-1 -> T-2, security AAA -> NEW."
    )


def test_a_year_that_was_reported_is_marked_so_with_what_was_said(
    account: Account, user: User
) -> None:
    mark_reported(user=user, household=account.household, year=2023)

    changes = draft(user, account).changes

    [year] = changes.years
    assert year.change.standing is Standing.REPORTED
    [reported] = changes.reported
    assert (reported.household, reported.year) == ("Miller", 2023)
    assert (reported.short, reported.long) == (Decimal(0), Decimal(-900))
    assert reported.disallowed == 0
    assert any("reported on" in line and "long-term -900" in line for line in changes.lines())


def test_books_that_moved_since_the_preview_are_shown_again(account: Account, user: User) -> None:
    """Half of the purchase has been booked from elsewhere meanwhile: the file washes another amount now."""
    seen = draft(user, account)
    aaa = account.firm.securities.get(symbol="AAA")
    book(account, EntryKind.BUY, date(2023, 12, 5), aaa, "80", amount="2500")

    with pytest.raises(services.PreviewOutdated) as outdated:
        confirm(user, seen)

    assert not ImportedFile.objects.exists()
    assert Disposal.objects.get().disallowed == 720
    [year] = outdated.value.preview.changes.years
    assert (year.change.before.disallowed, year.change.after.disallowed) == (
        Decimal(720),
        Decimal(900),
    )
    confirm(user, seen)  # seen again
    assert Disposal.objects.get().disallowed == 900


def test_other_bytes_than_those_looked_at_are_not_booked(account: Account, user: User) -> None:
    seen = draft(user, account)
    with pytest.raises(Conflict, match="The file is another one than you looked at"):
        confirm(user, seen, sha256="0" * 64)
    ImportDraft.objects.update(data=LATE.replace("30,960", "31,960").encode())
    with pytest.raises(Conflict, match="The file is another one than you looked at"):
        confirm(user, seen)

    assert not ImportedFile.objects.exists()


def test_a_draft_lives_for_hours(account: Account, user: User) -> None:
    seen = draft(user, account)
    ImportDraft.objects.update(created_at=timezone.now() - DRAFT_LIFE - timedelta(seconds=1))

    with pytest.raises(Conflict, match="You looked at the file too long ago"):
        confirm(user, seen)
    draft(make_user(account.firm, "bob"), account)
    assert ImportDraft.objects.get().user.username == "bob"


def test_a_person_has_one_draft_and_the_page_of_the_earlier_one_is_void(
    account: Account, user: User
) -> None:
    earlier = draft(user, account)
    later = draft(user, account, LATE.replace("30,960", "20,640"), "other.csv")

    with pytest.raises(Http404):
        confirm(user, earlier)
    assert confirm(user, later).startswith("other.csv: 1 transactions new")


def test_a_draft_is_discarded(account: Account, user: User) -> None:
    seen = draft(user, account)
    assert seen.draft is not None

    said = services.discard_import(user=user, public_id=seen.draft)

    assert said == "late.csv: not booked, nothing was changed."
    assert not ImportDraft.objects.exists()
    assert not ImportedFile.objects.exists()


def test_a_refused_file_leaves_no_draft(account: Account, user: User) -> None:
    with pytest.raises(ImportRefused, match="account T-1 holds 0 shares of AAA"):
        draft(user, account, HEADER + "S-9,2024-07-01,sell,AAA,100,200\n")

    assert not ImportDraft.objects.exists()


def test_drafts_are_for_those_who_may_import_and_for_their_firm(
    account: Account, user: User
) -> None:
    seen = draft(user, account)
    approver = make_user(account.firm, "pat", role=Role.APPROVER)
    stranger = make_user(make_firm("Other"), "eve")

    with pytest.raises(NotAllowed):
        draft(approver, account)
    with pytest.raises(NotAllowed):
        confirm(approver, seen)
    with pytest.raises(Http404):
        confirm(stranger, seen)
    with pytest.raises(Http404):
        services.draft_import(
            user=stranger, file=SimpleUploadedFile("f.csv", b"x"), account=account.public_id
        )
    with pytest.raises(Http404):
        services.draft_import(user=user, file=SimpleUploadedFile("f.csv", b"x"), account=uuid4())


def test_the_page_asks_before_it_books(account: Account, user: User, client: Client) -> None:
    client.force_login(user)

    def upload() -> Any:
        file = SimpleUploadedFile("late.csv", LATE.encode())
        fields = {"what": "transactions", "account": account.public_id, "file": file}
        return client.post("/imports/", fields)

    page = upload().content.decode()
    kept = ImportDraft.objects.get()
    assert "Figures of closed or reported years change." in page
    assert "−$630.00" in page
    assert "was −$900.00" in page
    assert f'action="/imports/{kept.public_id}/"' in page
    assert Transaction.objects.count() == 2

    done = client.post(f"/imports/{kept.public_id}/", {"sha256": kept.sha256}, follow=True)
    assert "late.csv: 1 transactions new, 0 known, in 1 households." in done.content.decode()
    assert Transaction.objects.count() == 3
    assert upload().status_code == 302


def test_the_page_shows_books_that_moved_again(
    account: Account, user: User, client: Client
) -> None:
    client.force_login(user)
    seen = draft(user, account)
    aaa = account.firm.securities.get(symbol="AAA")
    book(account, EntryKind.BUY, date(2023, 12, 5), aaa, "80", amount="2500")

    answer = client.post(f"/imports/{seen.draft}/", {"sha256": seen.sha256})

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "The books have changed since you looked" in page
    assert "was $720.00" in page
    assert client.post(f"/imports/{seen.draft}/", {"discard": "on"}).status_code == 302
