"""Builders of small firms for tests: plain functions over the real tables and services."""

from datetime import date
from decimal import Decimal

from accounts.models import Account, Firm, Household, Owner, User
from accounts.types import AccountKind, OwnerKind, Role
from lots import services
from lots.models import Transaction
from lots.types import EntryKind, NewTransaction, Pick
from securities.models import IdenticalGroup, IdenticalMember, Price, Security
from securities.types import AssetClass


def make_firm(name: str = "Harbor Advisers", *, pinned_date: date | None = None) -> Firm:
    return Firm.objects.create(name=name, pinned_date=pinned_date)


def make_user(firm: Firm | None, username: str = "ada", *, role: Role = Role.ADVISER) -> User:
    """A user whose password is ``username``'s name followed by ``-password-1``."""
    return User.objects.create_user(
        username=username, password=f"{username}-password-1", firm=firm, role=role
    )


def make_household(firm: Firm, name: str = "Miller") -> Household:
    return Household.objects.create(firm=firm, name=name)


def make_account(
    household: Household,
    number: str = "T-1",
    *,
    kind: AccountKind = AccountKind.TAXABLE,
    owner: str = "Ann",
    owner_kind: OwnerKind = OwnerKind.PERSON,
    reinvests: bool = False,
    tax_managed: bool = True,
) -> Account:
    """An account of the household; the owner is made where the household has none of the name."""
    person, _ = Owner.objects.get_or_create(
        household=household, name=owner, defaults={"kind": owner_kind}
    )
    return Account.objects.create(
        firm=household.firm,
        household=household,
        owner=person,
        name=f"{owner} {kind.value}",
        number=number,
        custodian="Example Custody",
        kind=kind,
        reinvests_dividends=reinvests,
        tax_managed=tax_managed,
    )


def make_security(
    firm: Firm,
    symbol: str = "AAA",
    *,
    cusip: str = "",
    asset_class: AssetClass = AssetClass.US_EQUITY,
    half_spread: str | None = "0.0005",
) -> Security:
    return Security.objects.create(
        firm=firm,
        symbol=symbol,
        name=f"{symbol} Corporation",
        cusip=cusip,
        asset_class=asset_class,
        half_spread=None if half_spread is None else Decimal(half_spread),
    )


def make_identical_group(author: User, *securities: Security, name: str = "Same") -> IdenticalGroup:
    """Securities of one firm that count as one (R24), decided by ``author``."""
    group = IdenticalGroup.objects.create(
        firm=securities[0].firm,
        name=name,
        reason="The same index.",
        author=author,
        effective_on=date(2020, 1, 1),
    )
    for security in securities:
        IdenticalMember.objects.create(group=group, security=security)
    return group


def set_price(security: Security, day: date, close: str) -> Price:
    price, _ = Price.objects.update_or_create(
        security=security, day=day, defaults={"close": Decimal(close)}
    )
    return price


def book(
    account: Account,
    kind: EntryKind,
    day: date,
    security: Security | None = None,
    quantity: str = "0",
    *,
    amount: str = "0",
    fee: str = "0",
    external_id: str | None = None,
    picks: tuple[Pick, ...] = (),
    to_account: Account | None = None,
    block: str = "",
    holding_start: date | None = None,
    acquired: date | None = None,
    to_security: Security | None = None,
    basis_fraction: str | None = None,
) -> Transaction:
    """Book one transaction through the service and return it. ``amount`` is the whole trade's dollars."""
    ordinal = account.transactions.count() + 1
    external_id = external_id or f"{account.number}-{ordinal}"
    row = NewTransaction(
        account=account.pk,
        external_id=external_id,
        trade_date=day,
        kind=kind,
        security=security.pk if security else None,
        quantity=Decimal(quantity),
        amount=Decimal(amount),
        fee=Decimal(fee),
        picks=picks,
        to_account=to_account.pk if to_account else None,
        block=block,
        holding_start=holding_start,
        acquired=acquired,
        to_security=to_security.pk if to_security else None,
        basis_fraction=None if basis_fraction is None else Decimal(basis_fraction),
        ordinal=ordinal,
    )
    services.book(firm=account.firm, rows=[row], actor="test")
    return account.transactions.get(external_id=external_id)
