"""From the bytes of a set-up file to its contents: every problem found, each with its path. No database, no clock."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from django.core.exceptions import ValidationError

from accounts.types import (
    MONEY_LIMIT,
    PRICE_LIMIT,
    QUANTITY_LIMIT,
    AccountKind,
    FilingStatus,
    OwnerKind,
    Role,
)
from config.setup_file import ahead, mandates, model_views, policy_reading, tax_reading
from config.setup_file.contents import (
    AccountEntry,
    BudgetEntry,
    CommissionEntry,
    Figures,
    HouseholdEntry,
    ModelEntry,
    PersonEntry,
    PolicyEntry,
    ProfileEntry,
    SecurityEntry,
    SetUpFile,
    SubstituteEntry,
)
from config.setup_file.half_spreads import half_spread
from config.setup_file.refusal import Problem, Problems, SetUpRefused
from config.setup_file.risk import risk
from config.setup_file.tables import Range, Table, Written
from lots.rates import known_years
from proposals.types import Proration
from rebalancing.model_changes.recipes import Recipe
from securities.models import validate_cusip, validate_isin
from securities.types import AssetClass

MOST_BYTES = 5 * 1024 * 1024
LONGEST_NAME = 120
LONGEST_SYMBOL = 20
PEOPLE_ROLES = (Role.ADVISER, Role.APPROVER, Role.OPERATIONS)
_USERNAME = re.compile(r"[A-Za-z0-9_.@+-]{1,150}")
_CODES = {"cusip": (9, validate_cusip), "isin": (12, validate_isin)}

_ZERO, _ONE = Decimal(0), Decimal(1)
RATE = Range(places=8, least=_ZERO, below=_ONE, words="at least 0 and below 1; 24 percent is 0.24")
WEIGHT = Range(
    places=8,
    least=_ZERO,
    below=Decimal("1.00000001"),
    above=True,
    words="above 0 and at most 1",
)
MONEY = Range(places=4, least=_ZERO, below=MONEY_LIMIT)
SIGNED_MONEY = Range(places=4, least=-MONEY_LIMIT, below=MONEY_LIMIT)
DAYS = Range(places=0, least=_ZERO, below=Decimal(366))
YEAR = Range(places=0, least=Decimal(1990), below=Decimal(2100))

REQUIRED_RATES = ("federal_ordinary_rate", "federal_long_rate")
PROFILE = {
    "federal_ordinary_rate": RATE,
    "federal_long_rate": RATE,
    "niit_rate": RATE,
    "state_rate": RATE,
    "short_outside": SIGNED_MONEY,
    "long_outside": SIGNED_MONEY,
    "short_carryover": MONEY,
    "long_carryover": MONEY,
    "carried_loss_value": RATE,
    "ordinary_income": SIGNED_MONEY,
    "qualified_dividends": MONEY,
    "modified_agi": SIGNED_MONEY,
    "net_investment_income": SIGNED_MONEY,
}
BUDGET = {"short_limit": MONEY, "long_limit": MONEY, "tax_limit": MONEY}
INCOME = ("ordinary_income", "modified_agi", "net_investment_income")  # the brackets need all
SHARE = Range(places=8, least=_ZERO, below=Decimal("1.00000001"), words="from 0 to 1")
VOLUME = Range(places=8, least=_ZERO, below=QUANTITY_LIMIT, above=True)
YIELDS = {"ordinary_yield": RATE, "qualified_yield": RATE, "exempt_yield": RATE}
HARVEST = {
    "minimum_loss": MONEY,
    "minimum_loss_fraction": RATE,
    "year_end_easing": SHARE,
    "minimum_benefit": MONEY,
    "minimum_pair_benefit": MONEY,
    "maximum_price_age_days": DAYS,
    "maximum_price_jump": Range(places=8, least=_ZERO, below=Decimal(100), above=True),
    "discount_rate": RATE,
    "horizon_years": Range(places=8, least=_ZERO, below=Decimal(100)),
    "taxable_sale_chance": SHARE,
    "future_rate": RATE,
    "risk_price": Range(places=8, least=_ZERO, below=Decimal(100_000)),
    "window_fraction": Range(places=8, least=_ZERO, below=Decimal(10)),
    "swap_back_chance": SHARE,
}
COMMISSION = {
    "per_order": MONEY,
    "per_share": Range(places=6, least=_ZERO, below=PRICE_LIMIT),
    "of_amount": RATE,
    "minimum": MONEY,
}
HARVEST_FLAGS = ("may_keep_substitute", "parks_in_cash", "prices_washes", "harvests_gains")


def read(data: bytes) -> SetUpFile:
    """The file's contents. Raises SetUpRefused with every problem found."""
    problems = Problems()
    told: set[str] = set()
    root = Table(_parsed(data), "", problems)
    policies = root.table("policies") or Table({}, "policies", problems)
    contents = SetUpFile(
        firm=_firm(root),
        people=tuple(_person(table) for table in root.tables("people")),
        securities=tuple(_security(table) for table in root.tables("securities")),
        identical_groups=tuple(
            tax_reading.group(table) for table in root.tables("identical_groups")
        ),
        identical_pairs=tuple(tax_reading.pair(table) for table in root.tables("identical_pairs")),
        tax_policy=tax_reading.tax_policy(policies.table("tax")),
        substitutes=tuple(_substitutes(table) for table in root.tables("substitutes")),
        models=tuple(_model(table) for table in root.tables("models")),
        harvest_policy=_policy(policies.table("harvest"), HARVEST, HARVEST_FLAGS),
        rebalance_policy=policy_reading.rebalance(policies.table("rebalance")),
        households=tuple(_household(table) for table in root.tables("households")),
        commissions=tuple(_commission(table) for table in root.tables("commissions")),
        dividends=tuple(ahead.dividend(table) for table in root.tables("dividends")),
        restrictions=tuple(ahead.restriction(table) for table in root.tables("restrictions")),
        risk=risk(root.table("risk")),
        mandates=tuple(mandates.mandate(table, told) for table in root.tables("mandates")),
        half_spreads=tuple(half_spread(table) for table in root.tables("half_spreads")),
        distributions=tuple(ahead.distribution(table) for table in root.tables("distributions")),
    )
    policies.close()
    root.close()
    _refuse_repeated(contents, problems)
    problems.raise_if_any()
    return contents


def _parsed(data: bytes) -> dict[str, object]:
    """Raises SetUpRefused for what is no TOML. Unquoted decimals stay text: binary floats never touch money."""
    if len(data) > MOST_BYTES:
        raise _refused(f"the file has {len(data):,} bytes, at most {MOST_BYTES:,} are accepted")
    try:
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=Written)
    except UnicodeDecodeError as error:
        raise _refused("the file is not UTF-8: save it as UTF-8") from error
    except RecursionError as error:
        raise _refused("the file is nested too deeply") from error
    except ValueError as error:  # TOMLDecodeError, and integers of thousands of digits
        raise _refused(f"this is no TOML: {error}") from error


def _refused(reason: str) -> SetUpRefused:
    return SetUpRefused([Problem("", reason)])


def _firm(root: Table) -> str:
    table = root.table("firm")
    if table is None:
        if not root.has("firm"):
            root.refuse("firm", 'it is missing: begin with [firm] and name = "..."')
        return ""
    name = table.text("name", longest=LONGEST_NAME)
    table.close()
    return name


def _person(table: Table) -> PersonEntry:
    username = table.text("username", longest=150)
    if username and not _USERNAME.fullmatch(username):
        table.refuse(
            "username", f"{username!r}: only letters from a to z, digits and . @ + - _ are accepted"
        )
    if table.has("password"):
        table.refuse("password", "a password never stands in a file; use manage.py changepassword")
    entry = PersonEntry(
        where=table.where,
        username=username,
        name=table.text("name", longest=150),
        role=table.word("role", PEOPLE_ROLES),
    )
    table.close()
    return entry


def _security(table: Table) -> SecurityEntry:
    entry = SecurityEntry(
        where=table.where,
        symbol=table.text("symbol", longest=LONGEST_SYMBOL),
        name=table.text_or_blank("name", longest=LONGEST_NAME),
        cusip=_code(table, "cusip"),
        isin=_code(table, "isin"),
        asset_class=table.word("asset_class", list(AssetClass))
        if table.has("asset_class")
        else None,
        sector=table.text_or_blank("sector", longest=60),
        half_spread=table.number("half_spread", RATE) if table.has("half_spread") else None,
        is_fund=table.flag("is_fund"),
        tracks_index=table.text_or_blank("tracks_index", longest=60),
        yields=_figures(table, YIELDS),
        expense_ratio=table.number("expense_ratio", RATE) if table.has("expense_ratio") else None,
        average_daily_volume=table.number("average_daily_volume", VOLUME)
        if table.has("average_daily_volume")
        else None,
        delisted_on=table.day("delisted_on") if table.has("delisted_on") else None,
    )
    table.close()
    return entry


def _code(table: Table, key: str) -> str | None:
    """A CUSIP or ISIN, as long as it must be and with the right check digit."""
    length, validate = _CODES[key]
    value = table.text_or_blank(key, longest=length)
    if value:
        if len(value) != length or value != value.upper():
            table.refuse(key, f"{value!r} does not have {length} digits and capital letters")
            return None
        try:
            validate(value)
        except ValidationError as error:
            table.refuse(key, str(error.message))
    return value


def _substitutes(table: Table) -> SubstituteEntry:
    entry = SubstituteEntry(
        where=table.where,
        symbol=table.text("for", longest=LONGEST_SYMBOL),
        household=table.text("household", longest=LONGEST_NAME) if table.has("household") else None,
        ranked=table.names("use", longest=LONGEST_SYMBOL),
        reason=table.prose("reason"),
        author=table.text("author", longest=150),
        reviewed_on=table.day("reviewed_on"),
        since=table.day("since") if table.has("since") else None,
        valid_until=table.day("valid_until") if table.has("valid_until") else None,
    )
    if entry.symbol in entry.ranked:
        table.refuse("use", f"{entry.symbol} cannot be its own substitute")
    if entry.valid_until is not None and entry.valid_until < entry.reviewed_on:
        table.refuse("valid_until", f"it is before the review on {entry.reviewed_on}")
    table.close()
    return entry


def _commission(table: Table) -> CommissionEntry:
    entry = CommissionEntry(
        where=table.where,
        custodian=table.text("custodian", longest=60),
        figures=_figures(table, COMMISSION),
    )
    table.close()
    return entry


def _model(table: Table) -> ModelEntry:
    name = table.text("name", longest=LONGEST_NAME)
    description = table.prose("description") if table.has("description") else None
    recipe = table.word("recipe", list(Recipe)) if table.has("recipe") else None
    weights = {}
    if (rows := table.table("weights")) is not None:
        weights = {symbol: rows.number(symbol, WEIGHT) for symbol in rows.free_keys()}
    if not weights and (rows is not None or not table.has("weights")):
        table.refuse("weights", 'it is missing: a model has weights, such as { AAPL = "0.05" }')
    total = sum(weights.values(), _ZERO)
    if total > 1:
        table.refuse("weights", f"they sum to {total}, which is more than 1")
    policy = policy_reading.rebalance(table.table("rebalance_policy"))
    views = tuple(model_views.view(one) for one in table.tables("views"))
    table.close()
    return ModelEntry(
        where=table.where,
        name=name,
        description=description,
        recipe=recipe,
        weights=weights,
        rebalance_policy=policy,
        views=views,
    )


def _household(table: Table) -> HouseholdEntry:
    entry = HouseholdEntry(
        where=table.where,
        name=table.text("name", longest=LONGEST_NAME),
        model=table.text("model", longest=LONGEST_NAME) if table.has("model") else None,
        harvest_policy=_policy(table.table("harvest_policy"), HARVEST, HARVEST_FLAGS),
        rebalance_policy=policy_reading.rebalance(table.table("rebalance_policy")),
        tax_profiles=tuple(_profile(one) for one in table.tables("tax_profiles")),
        budgets=tuple(_budget(one) for one in table.tables("budgets")),
        accounts=tuple(_account(one) for one in table.tables("accounts")),
        cash_flows=tuple(ahead.cash_flow(one) for one in table.tables("expected_cash_flows")),
    )
    table.close()
    return entry


def _profile(table: Table) -> ProfileEntry:
    year = int(table.number("year", YEAR))
    status = table.word("filing_status", list(FilingStatus))
    figures = _figures(table, PROFILE, required=REQUIRED_RATES)
    _refuse_half_an_income(table, year, figures)
    table.close()
    return ProfileEntry(where=table.where, year=year, filing_status=status, figures=figures)


def _budget(table: Table) -> BudgetEntry:
    entry = BudgetEntry(
        where=table.where,
        year=int(table.number("year", YEAR)),
        figures=_figures(table, BUDGET),
        proration=table.word("proration", list(Proration)) if table.has("proration") else None,
        reason=table.prose("reason"),
        author=table.text("author", longest=150),
    )
    table.close()
    return entry


def _refuse_half_an_income(table: Table, year: int, figures: Figures) -> None:
    """Income goes with all that its brackets need, in a year there are rates of (R34)."""
    given = [key for key in INCOME if key in figures]
    if not given:
        return
    for key in INCOME:
        if key not in figures:
            table.refuse(key, f"it is missing: {', '.join(INCOME)} go together")
    if year not in known_years():
        years = ", ".join(map(str, known_years()))
        table.refuse(given[0], f"there are no tax rates of {year}, only of {years}: leave it out")


def _account(table: Table) -> AccountEntry:
    entry = AccountEntry(
        where=table.where,
        number=table.text("number", longest=40),
        name=table.text("name", longest=LONGEST_NAME),
        owner=table.text("owner", longest=LONGEST_NAME),
        owner_kind=table.word("owner_kind", list(OwnerKind)) if table.has("owner_kind") else None,
        kind=table.word("kind", list(AccountKind)),
        custodian=table.text("custodian", longest=60),
        reinvests_dividends=table.flag("reinvests_dividends"),
        tax_managed=table.flag("tax_managed"),
        held_away=table.flag("held_away"),
        trades_fractions=table.flag("trades_fractions"),
        opened_on=table.day("opened_on") if table.has("opened_on") else None,
        scheduled=tuple(ahead.scheduled(one) for one in table.tables("scheduled_purchases")),
    )
    table.close()
    return entry


def _policy(
    table: Table | None, ranges: dict[str, Range], flags: Iterable[str] = ()
) -> PolicyEntry | None:
    if table is None:
        return None
    figures = dict(_figures(table, ranges))
    for key in flags:
        if (value := table.flag(key)) is not None:
            figures[key] = value
    table.close()
    return PolicyEntry(where=table.where, figures=figures)


def _figures(table: Table, ranges: dict[str, Range], *, required: Iterable[str] = ()) -> Figures:
    figures: dict[str, Decimal | int | bool] = {}
    for key, allowed in ranges.items():
        if table.has(key) or key in required:
            value = table.number(key, allowed)
            figures[key] = value if allowed.places else int(value)
    return figures


def _refuse_repeated(contents: SetUpFile, problems: Problems) -> None:
    """What must be unique in the firm stands once in the file."""
    accounts = [one for household in contents.households for one in household.accounts]
    securities = contents.securities
    _once(problems, ((f"{one.where}.username", one.username) for one in contents.people))
    _once(problems, ((f"{one.where}.symbol", one.symbol) for one in securities))
    _once(problems, ((f"{one.where}.cusip", one.cusip) for one in securities))
    _once(problems, ((f"{one.where}.isin", one.isin) for one in securities))
    _once(problems, ((f"{one.where}.name", one.name) for one in contents.identical_groups))
    _once(problems, ((f"{one.where}.for", one.list_name) for one in contents.substitutes))
    _once(problems, ((f"{one.where}.name", one.name) for one in contents.models))
    _once(problems, ((f"{one.where}.name", one.name) for one in contents.mandates))
    for mandate in contents.mandates:
        _once(problems, ((f"{one.where}.key", one.key) for one in mandate.rules))
    _once(problems, ((f"{one.where}.name", one.name) for one in contents.households))
    _once(problems, ((f"{one.where}.custodian", one.custodian) for one in contents.commissions))
    _once(problems, ((f"{one.where}.since", one.name) for one in contents.half_spreads))
    _once(problems, ((f"{one.where}.ex_date", one.name) for one in contents.distributions))
    _once(problems, ((f"{one.where}.number", one.number) for one in accounts))
    _once(
        problems,
        ((f"{one.where}.ex_date", f"{one.symbol} {one.ex_date}") for one in contents.dividends),
    )
    _once(
        problems,
        (
            (f"{one.where}.first_on", f"{account.number} {one.symbol} {one.cadence} {one.first_on}")
            for account in accounts
            for one in account.scheduled
        ),
    )
    _once(
        problems,
        (
            (
                f"{one.where}.since",
                f"{one.kind} {one.symbol} {one.account or one.household or 'the firm'} {one.since}",
            )
            for one in contents.restrictions
        ),
    )
    _once(
        problems,
        (
            (f"{group.where}.symbols", symbol)
            for group in contents.identical_groups
            for symbol in group.symbols
        ),
        reason="is in another group too: a security is in one identical group",
    )
    pairs = (
        (f"{one.where}.symbols", " ".join(sorted(one.symbols))) for one in contents.identical_pairs
    )
    _once(problems, pairs)
    for household in contents.households:
        years = [(f"{one.where}.year", str(one.year)) for one in household.tax_profiles]
        _once(problems, years)
        budgets = [(f"{one.where}.year", str(one.year)) for one in household.budgets]
        _once(problems, budgets)
        _one_kind_an_owner(household, problems)


def _once(
    problems: Problems,
    named: Iterable[tuple[str, str | None]],
    *,
    reason: str = "stands in the file twice",
) -> None:
    seen: Counter[str] = Counter()
    for where, name in named:
        if name:
            seen[name] += 1
            if seen[name] > 1:
                problems.add(where, f"{name!r} {reason}")


def _one_kind_an_owner(household: HouseholdEntry, problems: Problems) -> None:
    kinds: dict[str, OwnerKind] = {}
    for account in household.accounts:
        if account.owner_kind is None or not account.owner:
            continue
        known = kinds.setdefault(account.owner, account.owner_kind)
        if known is not account.owner_kind:
            problems.add(
                f"{account.where}.owner_kind",
                f"{account.owner!r} is a {known} in another account of the household",
            )
