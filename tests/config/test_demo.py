"""The demonstration: the same families on every machine, and a first night with something to show for every feature."""

import csv
import gzip
from collections import Counter
from dataclasses import astuple
from decimal import Decimal

import pytest

from accounts.canonical import canonical_text, sha256_of
from accounts.models import Account, Firm, Household
from accounts.types import AccountKind
from config.demo.load import load_demo
from config.demo.market import AS_OF, DATA, load_market
from config.demo.night import open_reviews
from config.demo.plan import PlannedHousehold, income_of, plan_households
from config.verification import violations
from harvesting.models import HarvestFinding
from harvesting.types import Outcome
from lots.models import Transaction
from lots.netting import YearInputs, marginal_rates
from lots.types import Term
from proposals.models import Proposal
from proposals.selectors import distributions_ahead
from proposals.types import ProposalKind, Status
from scans.models import AccountOutcome, Review, ReviewFinding, ScanRun
from scans.selectors import progress_of
from scans.services import open_run, work_through
from scans.types import REVIEWS, AccountState, Ended
from securities.models import Price

PLAN_SHA256 = "094c293d1025015c91c0eaa99933fe14e03c7987966027f543983d201b10a695"


@pytest.fixture(scope="module")
def plan() -> list[PlannedHousehold]:
    return plan_households(load_market())


def plan_hash(plan: list[PlannedHousehold]) -> str:
    return sha256_of(canonical_text([astuple(household) for household in plan]))


def real_closes() -> dict[tuple[str, str], Decimal]:
    """(symbol, ISO day) -> close, read from the files as they stand."""
    closes = {}
    for name in ("sp500_20_stocks.csv.gz", "factor_etfs.csv.gz"):
        with gzip.open(DATA / name, "rt", encoding="ascii", newline="") as lines:
            rows = csv.reader(lines)
            symbols = next(rows)[1:]
            for day, *prices in rows:
                closes.update({
                    (symbol, day): Decimal(price)
                    for symbol, price in zip(symbols, prices, strict=True)
                    if price
                })  # fmt: skip
    return closes


def test_the_plan_is_the_same_every_time_and_on_every_machine(plan: list[PlannedHousehold]) -> None:
    assert plan_hash(plan_households(load_market())) == plan_hash(plan) == PLAN_SHA256


def test_another_seed_makes_another_plan(plan: list[PlannedHousehold]) -> None:
    assert plan_hash(plan_households(load_market(), seed=1)) != plan_hash(plan)


def test_forty_households_hold_accounts_of_every_kind(plan: list[PlannedHousehold]) -> None:
    accounts = [account for household in plan for account in household.accounts]
    assert len({household.name for household in plan}) == len(plan) == 40
    assert 100 <= len({account.number for account in accounts}) == len(accounts) <= 130
    assert {account.kind for account in accounts} == set(AccountKind)
    assert 3_000 <= sum(len(account.entries) for account in accounts) <= 6_000


def test_every_income_lies_in_the_bracket_of_the_stated_rates(plan: list[PlannedHousehold]) -> None:
    for household in plan:
        income = income_of(household)
        inputs = YearInputs(
            year=AS_OF.year,
            filing_status=household.filing_status,
            ordinary_taxable_income=income.ordinary_income,
            qualified_dividends=income.qualified_dividends,
            magi=income.modified_agi,
            nii=income.net_investment_income,
        )
        ordinary, long_rate, niit, _ = household.rates
        slopes = marginal_rates(inputs)
        assert slopes.gain_short.rate == ordinary + niit
        assert slopes.gain_long.rate == long_rate + niit


def test_every_trade_is_at_the_real_close_of_its_day(plan: list[PlannedHousehold]) -> None:
    closes = real_closes()
    trades = [
        entry
        for household in plan
        for account in household.accounts
        for entry in account.entries
        if entry.symbol
    ]
    assert len(trades) > 3_000
    for trade in trades:
        assert trade.price == closes[trade.symbol, trade.day.isoformat()]
        assert trade.day <= AS_OF


def test_no_account_spends_cash_or_sells_shares_that_it_has_not(
    plan: list[PlannedHousehold],
) -> None:
    for household in plan:
        for account in household.accounts:
            assert account.cash >= 0
            assert min(account.held.values()) >= 0


def scan_first_night(firm: Firm) -> Counter[str]:
    """Scan every household in the foreground; says how many households had each reason."""
    run = open_run(firm_id=firm.pk, as_of=AS_OF, actor="test", wake_workers=False)
    assert Counter(work_through(run_id=run.pk)) == {Ended.DONE: 40}
    run.refresh_from_db()
    progress = progress_of(run)
    assert (progress.finished, progress.total, progress.done, progress.failed) == (True, 40, 40, 0)
    return Counter(progress.by_reason)


@pytest.mark.django_db
def test_the_first_night_of_the_demonstration_has_something_of_everything(
    plan: list[PlannedHousehold],
) -> None:
    firm = load_demo()
    assert Account.objects.count() == sum(len(household.accounts) for household in plan)
    assert Transaction.objects.count() == sum(
        len(account.entries) for household in plan for account in household.accounts
    )
    closes = real_closes()
    for symbol, day, close in Price.objects.values_list("security__symbol", "day", "close"):
        assert close == closes[symbol, day.isoformat()]

    reasons = scan_first_night(firm)

    outcomes = AccountOutcome.objects.filter(state__in=[AccountState.SCANNED, AccountState.SKIPPED])
    assert set(outcomes.values_list("account", flat=True)) == set(
        Account.objects.values_list("pk", flat=True)
    )
    assert not outcomes.filter(state=AccountState.SKIPPED, reason="").exists()
    pending = Counter(Proposal.objects.filter(status=Status.PENDING).values_list("kind", flat=True))
    assert pending[ProposalKind.HARVEST] > 10
    assert pending[ProposalKind.REBALANCE] > 10
    assert HarvestFinding.objects.filter(outcome=Outcome.PERMANENT_WASH).count() > 0
    warned = [
        line
        for proposal in Proposal.objects.filter(status=Status.PENDING)
        for line in distributions_ahead(proposal, AS_OF)
    ]
    assert {line.bought.announced.term for line in warned} == {Term.LONG, Term.SHORT}
    assert all(line.bought.tax for line in warned)
    assert reasons["inside_bands"] > 0
    clean = Household.objects.filter(
        scan_items__reason="no_loss_above_floor+inside_bands", proposals=None
    )
    assert clean.exists()
    assert list(violations()) == []

    open_reviews(firm, each_tick=lambda: None)
    open_reviews(firm, each_tick=lambda: None)  # what is there stays
    found = dict(Review.objects.values_list("run__job", "pk"))
    assert sorted(found) == ["daily", "monthly", "quarterly", "weekly"]
    assert Review.objects.count() == 4
    for run in ScanRun.objects.filter(job__in=REVIEWS):
        assert Counter(work_through(run_id=run.pk)) == {Ended.DONE: 40}
    for review in found.values():
        lines = ReviewFinding.objects.filter(review=review)
        assert lines.filter(household__isnull=False).values("household").distinct().count() == 40
        assert lines.filter(state__in=["breached", "flagged"]).exists()
    assert ReviewFinding.objects.filter(review=found["quarterly"], model__isnull=False).exists()

    with pytest.raises(ValueError, match="Example Advisers is there already"):
        load_demo()
    assert Firm.objects.count() == 1
