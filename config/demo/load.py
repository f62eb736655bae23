"""Book the demonstration firm through the same services that a real firm's files go through."""

from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.models import Account, Firm, Household, Owner, TaxProfile, User
from accounts.services import issue_token, record_audit
from accounts.types import Role
from config.demo.market import (
    AS_OF,
    DISTRIBUTIONS,
    FUNDS,
    MODELS,
    STOCKS,
    SUBSTITUTES,
    Market,
    load_market,
)
from config.demo.plan import PlannedAccount, PlannedHousehold, income_of, plan_households
from harvesting.models import SubstituteMapping
from lots.services import book
from lots.types import NewTransaction
from rebalancing.mandates.rules import RuleKind
from rebalancing.model_changes.recipes import Recipe
from rebalancing.models import Mandate, MandateRule, ModelAssignment, ModelWeight, TargetModel
from securities.models import AnnouncedDistribution, Price, Security
from securities.types import AssetClass

FIRM = "Example Advisers"
PASSWORD = "lotwise-demo"  # a demonstration that everybody may enter
PEOPLE = (
    ("adviser", "Avery", "Stone", Role.ADVISER),
    ("approver", "Pat", "Rivers", Role.APPROVER),
    ("operations", "Sam", "Field", Role.OPERATIONS),
)
RECIPES = {"Five factors": Recipe.RISK_PARITY}  # the monthly review drafts their weights anew
LIMITS = (
    ("largest-name", RuleKind.SINGLE_NAME, Decimal("0.12")),
    ("tracking-error", RuleKind.TRACKING_ERROR, Decimal("0.03")),
    ("volatility", RuleKind.VOLATILITY, Decimal("0.25")),
)


@transaction.atomic
def load_demo() -> Firm:
    """Make the firm with its people, prices, models and forty households. Raises ValueError if it is there."""
    if Firm.objects.filter(name=FIRM).exists():
        raise ValueError(f"{FIRM} is there already")
    firm = Firm.objects.create(name=FIRM, pinned_date=AS_OF)
    adviser = _people(firm)
    market = load_market()
    securities = _securities(firm, market)
    _substitutes(firm, adviser, securities)
    _distributions(securities)
    models = _models(firm, securities)
    _mandate(firm)
    for planned in plan_households(market):
        _household(firm, planned, securities, models)
    record_audit(
        firm=firm, actor="demo", action="demo.loaded", subject=FIRM, facts={"as_of": AS_OF}
    )
    return firm


def client_token(firm: Firm) -> str:
    """A fresh token for the demonstration's API client."""
    client, _ = User.objects.get_or_create(
        username="demo-api", defaults={"firm": firm, "role": Role.API_CLIENT}
    )
    client.set_unusable_password()
    client.save(update_fields=["password"])
    return issue_token(user=client, label="demonstration")


def _people(firm: Firm) -> User:
    for username, first, last, role in PEOPLE:
        User.objects.create_user(
            username=username,
            password=PASSWORD,
            first_name=first,
            last_name=last,
            firm=firm,
            role=role,
        )
    return User.objects.get(username="adviser")


def _securities(firm: Firm, market: Market) -> dict[str, Security]:
    made = Security.objects.bulk_create(
        Security(
            firm=firm,
            symbol=symbol,
            name=name,
            asset_class=AssetClass.US_EQUITY,
            is_fund=symbol in FUNDS,
            half_spread=Decimal("0.0002") if symbol in STOCKS else Decimal("0.0003"),
        )
        for symbol, name in {**STOCKS, **FUNDS}.items()
    )
    securities = {security.symbol: security for security in made}
    Price.objects.bulk_create(
        (
            Price(security=security, day=day, close=close)
            for symbol, security in securities.items()
            for day, close in zip(market.days, market.closes[symbol], strict=True)
        ),
        batch_size=10_000,
    )
    return securities


def _substitutes(firm: Firm, author: User, securities: dict[str, Security]) -> None:
    SubstituteMapping.objects.bulk_create(
        SubstituteMapping(
            firm=firm,
            security=securities[symbol],
            substitute=securities[name],
            rank=rank,
            reason="Example of a comparable business or exposure; not a recommendation.",
            author=author,
            reviewed_on=date(2022, 12, 1),
        )
        for symbol, names in SUBSTITUTES.items()
        for rank, name in enumerate(names, start=1)
    )


def _distributions(securities: dict[str, Security]) -> None:
    AnnouncedDistribution.objects.bulk_create(
        AnnouncedDistribution(
            security=securities[symbol],
            ex_date=ex_date,
            kind=kind,
            amount=amount,
            source="invented for the demonstration",
        )
        for symbol, ex_date, kind, amount in DISTRIBUTIONS
    )


def _models(firm: Firm, securities: dict[str, Security]) -> dict[str, TargetModel]:
    models = {}
    for name, weights in MODELS.items():
        model = TargetModel.objects.create(
            firm=firm,
            name=name,
            description="An example model.",
            recipe=RECIPES.get(name, Recipe.FIXED),
        )
        ModelWeight.objects.bulk_create(
            ModelWeight(model=model, security=securities[symbol], weight=weight)
            for symbol, weight in weights.items()
        )
        models[name] = model
    return models


def _mandate(firm: Firm) -> None:
    """What the reviews hold everybody to; soft, so that it is reported and trades nothing."""
    mandate = Mandate.objects.create(firm=firm, name="House limits")
    MandateRule.objects.bulk_create(
        MandateRule(mandate=mandate, key=key, kind=kind, high=high, is_hard=False)
        for key, kind, high in LIMITS
    )


def _household(
    firm: Firm,
    planned: PlannedHousehold,
    securities: dict[str, Security],
    models: dict[str, TargetModel],
) -> None:
    household = Household.objects.create(firm=firm, name=planned.name)
    ordinary, long_rate, niit, state = planned.rates
    income = income_of(planned)
    TaxProfile.objects.create(
        household=household,
        year=AS_OF.year,
        filing_status=planned.filing_status,
        federal_ordinary_rate=ordinary,
        federal_long_rate=long_rate,
        niit_rate=niit,
        state_rate=state,
        short_outside=planned.short_outside,
        long_outside=planned.long_outside,
        long_carryover=planned.long_carryover,
        ordinary_income=income.ordinary_income,
        qualified_dividends=income.qualified_dividends,
        modified_agi=income.modified_agi,
        net_investment_income=income.net_investment_income,
    )
    ModelAssignment.objects.create(household=household, model=models[planned.model])
    rows = [
        row
        for account in planned.accounts
        for row in _transactions(firm, household, account, securities)
    ]
    rows.sort(key=lambda row: row.trade_date)
    book(firm=firm, rows=rows, actor="demo")


def _transactions(
    firm: Firm, household: Household, planned: PlannedAccount, securities: dict[str, Security]
) -> list[NewTransaction]:
    owner, _ = Owner.objects.get_or_create(household=household, name=planned.owner)
    account = Account.objects.create(
        firm=firm,
        household=household,
        owner=owner,
        name=planned.name,
        number=planned.number,
        custodian=planned.custodian,
        kind=planned.kind,
        reinvests_dividends=planned.reinvests,
    )
    return [
        NewTransaction(
            account=account.pk,
            external_id=f"{planned.number}-{place:04d}",
            trade_date=entry.day,
            kind=entry.kind,
            security=securities[entry.symbol].pk if entry.symbol else None,
            quantity=entry.quantity,
            price=entry.price if entry.symbol else None,
            amount=entry.amount,
            ordinal=place,
        )
        for place, entry in enumerate(planned.entries, start=1)
    ]
