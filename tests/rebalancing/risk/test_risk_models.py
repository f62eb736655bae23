"""The risk model of a firm as its setting asks for it: which returns, which method, and what is kept until when."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal as D
from itertools import pairwise

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Firm
from accounts.one_look import one_look
from rebalancing.errors import BadReturns
from rebalancing.models import (
    RiskFactor,
    RiskSetting,
    SuppliedCovariance,
    SuppliedLoading,
    SuppliedRisk,
    SuppliedSpecific,
)
from rebalancing.risk import RiskModel
from rebalancing.risk_data.risk_models import firm_risk, risk_model
from rebalancing.trades.border import fingerprint
from rebalancing.types import HouseholdState, RiskMethod
from securities.calendar import trading_days
from securities.models import CorporateAction, Price, Security
from securities.types import ActionKind, AssetClass
from tests.factories import make_firm, make_security
from tests.rebalancing import states

pytestmark = pytest.mark.django_db

DAY = date(2022, 12, 28)
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")


@dataclass
class Market:
    firm: Firm
    securities: dict[str, Security]
    closes: dict[str, np.ndarray]  # the newest last
    days: tuple[date, ...]

    def state(self, **targets: str) -> HouseholdState:
        """A household that holds ten shares of AAA and wants the targets."""
        keys = {symbol: security.pk for symbol, security in self.securities.items()}
        found = states.state(
            accounts=(states.account(1, "100"),),
            lots=(states.lot(keys["AAA"], "10", "900", opening=1),),
            prices=dict.fromkeys(keys.values(), "100"),
            targets={keys[symbol]: weight for symbol, weight in targets.items()},
        )
        return replace(found, as_of=DAY, symbols={key: symbol for symbol, key in keys.items()})

    def model(self, **targets: str) -> RiskModel:
        with one_look():
            return risk_model(firm_id=self.firm.pk, state=self.state(**targets))

    def setting(self, method: RiskMethod, **columns: object) -> RiskSetting:
        return RiskSetting.objects.create(firm=self.firm, method=method, **columns)

    def price(self, symbol: str, back: int):
        """The close so many trading days before the last."""
        return Price.objects.filter(security=self.securities[symbol], day=self.days[-1 - back])


@pytest.fixture
def market() -> Market:
    """Six securities with 150 days of prices, of which FFF is bonds."""
    firm = make_firm(pinned_date=DAY)
    days = trading_days(DAY, 151)
    random = np.random.default_rng(11)
    common = 0.008 * random.standard_normal(150)
    closes, made = {}, {}
    for symbol in SYMBOLS:
        made[symbol] = make_security(firm, symbol)
        moves = common + 0.01 * random.standard_normal(150)
        closes[symbol] = np.round(50 * np.cumprod([1.0, *(1 + moves)]), 6)
        Price.objects.bulk_create(
            Price(security=made[symbol], day=day, close=D(f"{close:.6f}"))
            for day, close in zip(days, closes[symbol], strict=True)
        )
    Security.objects.filter(pk=made["FFF"].pk).update(asset_class=AssetClass.FIXED_INCOME)
    return Market(firm, made, closes, days)


def plain_volatility(closes: np.ndarray) -> float:
    return float((closes[1:] / closes[:-1] - 1).std(ddof=1) * np.sqrt(252))


def test_without_a_setting_the_model_is_statistical_from_all_prices(market: Market) -> None:
    model = market.model(BBB="0.5")
    assert (model.observations, model.estimated_to) == (150, DAY)
    assert (model.guessed, model.named) == ((), None)
    expected = [plain_volatility(market.closes[symbol]) for symbol in ("AAA", "BBB")]
    np.testing.assert_allclose(model.volatility(), expected, rtol=1e-9)
    assert model.source == "150 daily returns up to 2022-12-28"


def test_what_else_a_household_holds_changes_no_risk(market: Market) -> None:
    few, many = market.model(BBB="0.5"), market.model(BBB="0.2", CCC="0.2", DDD="0.2", EEE="0.2")
    np.testing.assert_array_equal(few.covariance(), many.covariance()[:2, :2])
    assert fingerprint(few) == fingerprint(market.model(BBB="0.4"))


def test_days_without_trading_are_no_days(market: Market) -> None:
    before = market.model(BBB="0.5")
    saturday = date(2022, 12, 17)
    Price.objects.create(security=market.securities["BBB"], day=saturday, close=D("1"))
    np.testing.assert_array_equal(market.model(BBB="0.5").covariance(), before.covariance())


def test_a_booked_split_is_no_move_and_one_that_is_not_booked_is_named(market: Market) -> None:
    before = market.model(BBB="0.1")
    split_on = market.days[-58]
    for price in Price.objects.filter(security=market.securities["BBB"], day__gte=split_on):
        price.close = price.close / 2
        price.save(update_fields=["close"])
    model = market.model(BBB="0.1")
    assert model.guessed == (1,)
    assert f"on {split_on}, which looks like a split that is not booked" in model.notes[-1]
    assert model.notes[-2].startswith("histories cover")
    CorporateAction.objects.create(
        security=market.securities["BBB"], kind=ActionKind.SPLIT, effective_on=split_on, ratio=D(2)
    )
    after = market.model(BBB="0.1")
    assert after.guessed == ()
    np.testing.assert_allclose(after.covariance(), before.covariance(), rtol=1e-4)


def test_a_jump_that_somebody_has_looked_at_is_a_move(market: Market) -> None:
    day = market.days[-60]
    Price.objects.filter(security=market.securities["BBB"], day=day).update(close=D("200"))
    assert market.model(BBB="0.1").guessed == (1,)
    Price.objects.filter(security=market.securities["BBB"], day__in=market.days[-60:-58]).update(
        is_checked=True
    )
    assert market.model(BBB="0.1").guessed == ()


def test_too_little_history_is_refused_by_symbol_unless_the_firm_allows_it(market: Market) -> None:
    Price.objects.filter(security=market.securities["BBB"], day__lt=market.days[-20]).delete()
    with pytest.raises(BadReturns, match=r"covers .*BBB has 19 returns.*minimum_coverage"):
        market.model(BBB="0.5")
    market.setting(RiskMethod.STATISTICAL, minimum_coverage=D("0.4"))
    model = market.model(BBB="0.5")
    assert model.guessed == (1,)
    assert any(note.startswith("histories cover 6") for note in model.notes)
    others = np.square(firm_model(market).volatility()[[0, 2, 3, 4]])
    assert np.square(model.volatility()[1]) >= np.median(others)


def firm_model(market: Market) -> RiskModel:
    model = firm_risk(market.firm.pk, DAY).model
    assert model is not None
    return model


def test_prices_that_ended_are_refused_with_the_day(market: Market) -> None:
    Price.objects.filter(day__gt=market.days[-15]).delete()
    with pytest.raises(BadReturns, match=f"AAA has no return after {market.days[-15]}"):
        market.model(BBB="0.5")


def test_a_firm_without_prices_is_told_so(market: Market) -> None:
    Price.objects.all().delete()
    with pytest.raises(BadReturns, match="No security has two closing prices"):
        market.model(BBB="0.5")


def test_the_exponential_method_has_the_half_life_of_the_setting(market: Market) -> None:
    market.setting(RiskMethod.EXPONENTIAL, half_life=30)
    returns = market.closes["AAA"][1:] / market.closes["AAA"][:-1] - 1
    weights = 0.5 ** (np.arange(149, -1, -1) / 30)
    model = market.model(BBB="0.5")
    expected = np.sqrt(np.cov(returns, aweights=weights) * 252)
    assert model.volatility()[0] == pytest.approx(expected, rel=1e-9)
    assert "days weighted with a half-life of 30" in model.notes


def test_the_observations_of_the_setting_are_the_newest(market: Market) -> None:
    market.setting(RiskMethod.STATISTICAL, observations=100, factor_count=2)
    model = market.model(BBB="0.5")
    assert (model.observations, len(model.factors)) == (100, 2)
    expected = plain_volatility(market.closes["AAA"][-101:])
    assert model.volatility()[0] == pytest.approx(expected, rel=1e-9)


def test_factor_etfs_are_regressed_on_by_name(market: Market) -> None:
    setting = market.setting(RiskMethod.FACTOR_ETFS)
    with pytest.raises(BadReturns, match="names none"):
        market.model(BBB="0.5")
    for name, symbol in (("Momentum", "EEE"), ("Bonds", "FFF")):
        RiskFactor.objects.create(setting=setting, name=name, security=market.securities[symbol])
    model = market.model(BBB="0.5", EEE="0.1")
    assert model.factors == ("Bonds", "Momentum")
    assert model.named is not None
    np.testing.assert_allclose(model.named.betas[2], [0.0, 1.0], atol=1e-9)  # EEE itself
    Price.objects.filter(security=market.securities["FFF"], day__gt=market.days[-15]).delete()
    with pytest.raises(BadReturns, match="Not all factor series can be used: Bonds has no return"):
        market.model(BBB="0.5")


def supply(market: Market, as_of: date = date(2022, 12, 20), loading: str = "1.1") -> SuppliedRisk:
    version = SuppliedRisk.objects.create(firm=market.firm, as_of=as_of)
    SuppliedCovariance.objects.create(
        version=version, factor_a="Market", factor_b="Market", covariance=D("0.04")
    )
    for symbol in SYMBOLS[:5]:
        row = {"version": version, "security": market.securities[symbol]}
        SuppliedLoading.objects.create(factor="Market", loading=D(loading), **row)
        SuppliedSpecific.objects.create(variance=D("0.03"), **row)
    return version


def test_supplied_loadings_are_the_newest_that_are_not_ahead(market: Market) -> None:
    market.setting(RiskMethod.SUPPLIED)
    with pytest.raises(BadReturns, match=r"No supplied risk model.*import_loadings"):
        market.model(BBB="0.5")
    supply(market, date(2022, 12, 1), "5")
    with pytest.raises(BadReturns, match="as of 2022-12-01, more than 10 days"):
        market.model(BBB="0.5")
    supply(market)
    supply(market, DAY + timedelta(days=1), "7")
    model = market.model(BBB="0.5", FFF="0.1")
    np.testing.assert_allclose(model.named.betas[:2, 0], [1.1, 1.1])  # type: ignore[union-attr]
    variance = 1.1**2 * 0.04 + 0.03
    np.testing.assert_allclose(model.volatility()[:2], np.sqrt(variance), rtol=1e-12)
    assert model.guessed == (2,)
    assert model.source == "supplied loadings as of 2022-12-20"


# What is kept

CHANGES = {
    "an old price is corrected": lambda m: m.price("BBB", 70).update(close=D("51")),
    "a price comes": lambda m: Price.objects.create(
        security=make_security(m.firm, "GGG"), day=DAY, close=D("5")
    ),
    "a price has been checked": lambda m: m.price("BBB", 70).update(is_checked=True),
    "a split is booked": lambda m: CorporateAction.objects.create(
        security=m.securities["BBB"], kind=ActionKind.SPLIT, effective_on=m.days[-60], ratio=D(2)
    ),
    "a setting comes": lambda m: m.setting(RiskMethod.EXPONENTIAL),
    "an asset class changes": lambda m: Security.objects.filter(symbol="BBB").update(
        asset_class=AssetClass.CASH
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_in_the_next_look(market: Market, change: str) -> None:
    _kept(market)
    with CaptureQueriesContext(connection) as asked:
        first = _kept(market)
    assert len(asked) == 2, "the two stamps alone"
    CHANGES[change](market)
    with CaptureQueriesContext(connection) as asked:
        second = _kept(market)
    assert len(asked) > 2
    assert second is not first


def test_a_change_of_another_firm_asks_nothing_again(market: Market) -> None:
    other = make_security(make_firm("Other"), "AAA")
    _kept(market)
    Price.objects.create(security=other, day=DAY, close=D(1))
    RiskSetting.objects.create(firm=other.firm)
    with CaptureQueriesContext(connection) as asked:
        _kept(market)
    assert len(asked) == 2


def test_changed_settings_and_supplied_figures_are_seen(market: Market) -> None:
    setting = market.setting(RiskMethod.SUPPLIED)
    version = supply(market)
    seen = [_kept(market).volatility()]
    for rows, values in (
        (version.loadings, {"loading": D("1.2")}),
        (version.covariances, {"covariance": D("0.05")}),
        (version.specifics, {"variance": D("0.02")}),
    ):
        rows.update(**values)
        seen.append(_kept(market).volatility())
    version.delete()
    with one_look():
        assert firm_risk(market.firm.pk, DAY).refusal is not None
    RiskSetting.objects.filter(pk=setting.pk).update(method=RiskMethod.STATISTICAL)
    seen.append(_kept(market).volatility())
    for before, after in pairwise(seen):
        assert not np.allclose(before, after)


def test_a_refusal_is_kept_as_well(market: Market) -> None:
    Price.objects.all().delete()
    with pytest.raises(BadReturns):
        market.model(BBB="0.5")
    with CaptureQueriesContext(connection) as asked, pytest.raises(BadReturns):
        market.model(BBB="0.5")
    assert len(asked) == 2


def test_every_table_that_the_model_is_made_from_is_watched(market: Market) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
            " WHERE tgname LIKE 'facts_after%' OR tgname LIKE '%price%'"
        )
        watched = {row[0] for row in cursor.fetchall()}
    tables = set()
    for method in (RiskMethod.FACTOR_ETFS, RiskMethod.SUPPLIED):
        RiskSetting.objects.all().delete()
        setting = market.setting(method)
        RiskFactor.objects.create(setting=setting, name="E", security=market.securities["EEE"])
        if method == RiskMethod.SUPPLIED:
            supply(market)
        with CaptureQueriesContext(connection) as asked:
            assert firm_risk(market.firm.pk, DAY).model is not None
        tables |= {
            name for query in asked for name in re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])
        }
    assert "rebalancing_suppliedspecific" in tables
    assert tables <= watched


def _kept(market: Market) -> RiskModel:
    with one_look():
        return firm_model(market)
