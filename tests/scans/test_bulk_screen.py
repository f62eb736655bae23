"""The bulk screen changes nothing but the time a night takes; nor do workers, order or a household that fails."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

import harvesting.services
from accounts.models import Household
from harvesting.models import HarvestFinding
from lots.models import TaxLot
from lots.types import EntryKind
from proposals.models import Proposal, ProposedTrade
from scans import household_scan, services
from scans.models import AccountOutcome, Review, ScanItem, ScanRun
from scans.types import AccountState, Ended, ItemState
from securities.models import Price
from tests.factories import book, set_price

NIGHT = date(2022, 12, 28)
# A loss to take, a small loss, no loss; by what 100 shares, now at 60, were bought for.
PRICES = {"Adams": "100", "Baker": "60.50", "Clark": "40", "Davis": "90", "Evans": "50"}


@pytest.fixture
def households(firm, add_household):
    return {name: add_household(name, bought_at=price) for name, price in PRICES.items()}


def open_night(firm):
    return services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)


def work_off(run, *, reverse=False):
    items = run.items.order_by("-pk" if reverse else "pk").values_list("pk", flat=True)
    return [services.work(item_id=item) for item in items]


def dump():
    """What a night has decided, without keys and times; the screen has a sentence of its own."""
    return {
        "proposals": sorted(Proposal.objects.values_list("household__name", "kind", "content_sha256", "status")),
        "trades": sorted(map(str, ProposedTrade.objects.values_list("account__number", "side", "quantity", "amount"))),
        "findings": sorted(
            map(str, HarvestFinding.objects.values_list("account__number", "outcome", "detail", "loss", "tax_saved"))
        ),
        "outcomes": sorted(AccountOutcome.objects.values_list("account__number", "state", "reason", "detail")),
        "items": sorted(ScanItem.objects.values_list("household__name", "state", "reason")),
    }  # fmt: skip


def forget():
    """Take the night back, so that the same firm can have it once more in another way."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    for model in (
        AccountOutcome,
        Review,
        ScanItem,
        ScanRun,
        HarvestFinding,
        ProposedTrade,
        Proposal,
    ):
        model.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def exact_looks(monkeypatch):
    """The households that are looked at exactly from now on."""
    asked = []
    exact = harvesting.services.examine

    def examine(*, household_id, as_of):
        asked.append(Household.objects.get(pk=household_id).name)
        return exact(household_id=household_id, as_of=as_of)

    monkeypatch.setattr(harvesting.services, "examine", examine)
    return asked


def test_a_household_without_any_loss_is_spared_the_exact_look(firm, households, monkeypatch):
    asked = exact_looks(monkeypatch)
    run = open_night(firm)
    words = dict(run.items.values_list("household__name", "screened"))
    assert words == {
        "Adams": "possible", "Baker": "small", "Clark": "quiet", "Davis": "possible", "Evans": "quiet",
    }  # fmt: skip
    work_off(run)
    assert asked == ["Adams", "Baker", "Davis"]
    quiet = run.items.get(household=households["Clark"])
    assert quiet.reason == "no_loss_above_floor+no_model"
    assert "the bulk screen found no taxable lot below its basis" in quiet.detail


def test_the_screened_night_decides_what_the_exact_one_decides(firm, households, monkeypatch):
    work_off(open_night(firm))
    screened = dump()
    forget()
    monkeypatch.setattr(household_scan, "is_quiet", lambda lease, facts: False)
    work_off(open_night(firm))
    exact = dump()
    assert screened == exact
    assert len(screened["proposals"]) == 2
    assert len(screened["findings"]) == 3  # the small loss has one too


def test_the_order_of_the_households_changes_nothing(firm, households):
    work_off(open_night(firm))
    forwards = dump()
    forget()
    work_off(open_night(firm), reverse=True)
    assert dump() == forwards


@pytest.mark.django_db(transaction=True)
def test_the_number_of_workers_changes_nothing(firm, households):
    work_off(open_night(firm))
    alone = dump()
    forget()
    items = list(open_night(firm).items.values_list("pk", flat=True))

    def work(item):
        try:
            return services.work(item_id=item)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        assert set(workers.map(work, items)) == {Ended.DONE}
    assert dump() == alone


def test_the_same_night_again_writes_nothing(firm, households):
    run = open_night(firm)
    work_off(run)
    before = dump()
    keys = list(Proposal.objects.values_list("pk", flat=True))
    assert set(work_off(open_night(firm))) == {Ended.NOT_OURS}
    assert dump() == before
    assert list(Proposal.objects.values_list("pk", flat=True)) == keys


def test_a_purchase_after_the_screen_takes_the_exact_look(firm, households, monkeypatch):
    run = open_night(firm)
    account = households["Clark"].accounts.get(number="T-Clark")
    book(
        account,
        EntryKind.BUY,
        date(2021, 3, 1),
        firm.securities.get(symbol="AAA"),
        "10",
        amount="2000",
    )
    asked = exact_looks(monkeypatch)
    work_off(run)
    assert "Clark" in asked
    assert "Evans" not in asked


@pytest.mark.parametrize("how", ["new", "corrected", "gone"])
def test_a_price_that_changes_after_the_screen_takes_the_exact_look(
    firm, households, monkeypatch, how
):
    aaa = firm.securities.get(symbol="AAA")
    set_price(aaa, date(2022, 12, 27), "30")
    run = open_night(firm)
    if how == "gone":
        Price.objects.filter(security=aaa, day=NIGHT).delete()
    else:
        set_price(aaa if how == "corrected" else firm.securities.get(symbol="BBB"), NIGHT, "30")
    asked = exact_looks(monkeypatch)
    work_off(run)
    assert sorted(asked) == sorted(PRICES)
    if how != "new":
        assert HarvestFinding.objects.filter(household=households["Clark"]).exists()


def test_a_screen_that_fails_stops_nothing(firm, households, monkeypatch):
    def fail(**_):
        raise RuntimeError("no columns")

    monkeypatch.setattr(household_scan, "looks", fail)
    run = open_night(firm)
    assert set(run.items.values_list("screened", flat=True)) == {""}
    assert set(work_off(run)) == {Ended.DONE}


def test_one_household_that_fails_leaves_the_night_to_finish_t29(
    firm, households, monkeypatch, settings
):
    settings.SCAN_MAX_ATTEMPTS = 1
    exact = harvesting.services.examine

    def examine(*, household_id, as_of):
        if household_id == households["Davis"].pk:
            raise ZeroDivisionError
        return exact(household_id=household_id, as_of=as_of)

    monkeypatch.setattr(harvesting.services, "examine", examine)
    run = open_night(firm)
    work_off(run)
    run.refresh_from_db()
    assert run.finished_at is not None
    assert dict(run.items.values_list("household__name", "state")) == {
        **dict.fromkeys(PRICES, ItemState.DONE), "Davis": ItemState.POISON,
    }  # fmt: skip
    assert not Proposal.objects.filter(household=households["Davis"]).exists()
    failed = AccountOutcome.objects.filter(account__household=households["Davis"])
    assert set(failed.values_list("state", "reason")) == {(AccountState.SKIPPED, "failed")}


def test_a_retirement_account_alone_is_no_quiet_household(firm, households):
    TaxLot.objects.filter(account__number="T-Clark").update(
        account=households["Clark"].accounts.get(number="I-Clark")
    )
    run = open_night(firm)
    assert run.items.get(household=households["Clark"]).screened == "small"
    work_off(run)
    assert run.items.get(household=households["Clark"]).reason.startswith("no_taxable_lots")


def test_a_floor_of_the_household_itself_is_heard(firm, households):
    from harvesting.models import HarvestPolicy

    HarvestPolicy.objects.create(
        firm=firm, household=households["Baker"], minimum_loss=Decimal(10), minimum_loss_fraction=Decimal("0.001")
    )  # fmt: skip
    assert open_night(firm).items.get(household=households["Baker"]).screened == "possible"
