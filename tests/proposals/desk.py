"""A small firm with one loss worth taking, and its way to the order file."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.models import Account, Firm, Household, TaxProfile, User
from accounts.types import AccountKind, FilingStatus, Role
from lots.models import Transaction
from lots.types import EntryKind
from proposals import services
from proposals.models import Order, OrderExport, Proposal
from proposals.types import DraftProposal, DraftTrade, ProposalKind, Side
from securities.models import Security
from tests import factories

TODAY = date(2022, 12, 28)
BOUGHT = date(2022, 3, 1)


@dataclass
class Desk:
    """20 OLD bought at 100 now stand at 80; SUB, at 80 too, is the substitute."""

    firm: Firm
    adviser: User
    operations: User
    household: Household
    account: Account
    ira: Account
    old: Security
    sub: Security
    lot: Transaction

    def sale(self, quantity: str = "20", **changes: object) -> DraftTrade:
        trade = DraftTrade(
            account=self.account.pk,
            security=self.old.pk,
            side=Side.SELL,
            quantity=Decimal(quantity),
            price=Decimal(80),
            reason="loss",
            opening=self.lot.pk,
            part=0,
            basis=Decimal(quantity) * 100,
            term="short",
            pair=1,
        )
        return replace(trade, **changes)  # type: ignore[arg-type]

    def purchase(self, quantity: str = "19", **changes: object) -> DraftTrade:
        trade = DraftTrade(
            account=self.account.pk,
            security=self.sub.pk,
            side=Side.BUY,
            quantity=Decimal(quantity),
            price=Decimal(80),
            reason="substitute",
            pair=1,
        )
        return replace(trade, **changes)  # type: ignore[arg-type]

    def draft(self, *trades: DraftTrade, **changes: object) -> DraftProposal:
        draft = DraftProposal(
            household=self.household.pk,
            kind=ProposalKind.HARVEST,
            as_of=TODAY,
            sentence="Take a loss of $400 on OLD.",
            reasons=("loss",),
            trades=trades or (self.sale(), self.purchase()),
            tax_saved=Decimal("148.00"),
            cost=Decimal("1.56"),
            short_gain=Decimal("-400.00"),
            long_gain=Decimal(0),
            inputs='{"prices":"2022-12-28"}',
            explanation={"candidates": [{"lot": self.lot.pk, "loss": Decimal("400.00")}]},
        )
        return replace(draft, **changes)  # type: ignore[arg-type]

    def submit(self, *trades: DraftTrade, **changes: object) -> Proposal:
        with transaction.atomic():
            return services.submit(draft=self.draft(*trades, **changes))

    def approved(self, *trades: DraftTrade, **changes: object) -> Proposal:
        proposal = self.submit(*trades, **changes)
        return services.approve(
            user=self.adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256
        )

    def ordered(self, *trades: DraftTrade, **changes: object) -> tuple[Proposal, OrderExport]:
        proposal = self.approved(*trades, **changes)
        export = services.export_orders(user=self.operations)
        proposal.refresh_from_db()
        return proposal, export


def make_person(firm: Firm, username: str, role: Role) -> User:
    """A user who does not sign in: hashing a password takes longer than the test."""
    return User.objects.create(firm=firm, username=username, role=role)


def make_desk(name: str = "Harbor Advisers", *, prefix: str = "") -> Desk:
    firm = factories.make_firm(name, pinned_date=TODAY)
    household = factories.make_household(firm)
    account = factories.make_account(household, f"{prefix}T-1")
    old, sub = factories.make_security(firm, "OLD"), factories.make_security(firm, "SUB")
    for security in (old, sub):
        factories.set_price(security, TODAY, "80")
    TaxProfile.objects.create(
        household=household,
        year=2022,
        filing_status=FilingStatus.MARRIED_JOINTLY,
        federal_ordinary_rate=Decimal("0.35"),
        federal_long_rate=Decimal("0.15"),
    )
    return Desk(
        firm=firm,
        adviser=make_person(firm, f"{prefix}ada", Role.ADVISER),
        operations=make_person(firm, f"{prefix}ole", Role.OPERATIONS),
        household=household,
        account=account,
        ira=factories.make_account(household, f"{prefix}R-1", kind=AccountKind.ROTH_IRA),
        old=old,
        sub=sub,
        lot=factories.book(account, EntryKind.BUY, BOUGHT, old, "20", amount="2000"),
    )


def fills_file(*rows: tuple[Order, str, str, str, str]) -> bytes:
    """``(order, external id, trade date, quantity, price)`` a row."""
    lines = ["order_id,external_id,trade_date,quantity,price,fee"]
    lines += [
        f"{order.public_id},{rest[0]},{rest[1]},{rest[2]},{rest[3]},0" for order, *rest in rows
    ]
    return "\n".join(lines).encode()
