"""What the independent oracle and the house's own checks say about a simulated household."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import Exists, OuterRef

from accounts.models import Firm
from lots import selectors
from lots.models import Disposal
from lots.rounding import cents
from lots.types import DatedGroup, Ledger
from proposals.models import Decision, Fill, HarvestedPair, Order, Proposal
from proposals.types import ProposalKind, Side, Status, Verdict
from tests.lots.oracle import Oracle

WINDOW = 30
_TERMINAL = (
    Status.FILLED, Status.CANCELLED, Status.REJECTED, Status.SUPERSEDED, Status.EXPIRED, Status.STALE
)  # fmt: skip


@dataclass(frozen=True)
class Wash:
    """Dollars of a loss that the oracle disallows, and the two trades behind it."""

    sale: int
    replacement: int
    dollars: Fraction
    permanent: bool


def ledger_of(household: int, until: date = date.max) -> Ledger:
    """The household's ledger, or what of it had happened by a day."""
    whole = selectors.ledger(household)
    return replace(
        whole, entries=tuple(one for one in whole.entries if one.trade_date <= until)
    )  # fmt: skip


def washes(ledger: Ledger) -> list[Wash]:
    """Every wash sale, share by share, by code that the engine does not share."""
    oracle = Oracle(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    return [
        Wash(int(str(sale)), int(str(replacement)), dollars, bool(permanent))
        for (sale, _, _, replacement, permanent), (_, dollars) in oracle.matches.items()
        if dollars
    ]


def told(found: Collection[Wash], ledger: Ledger) -> str:
    """For whoever has to find out why: the trades of each wash sale with the proposals that made them."""
    entries = {int(entry.id): entry for entry in ledger.entries}
    fills = {
        fill.transaction_id: fill.order.proposal
        for fill in Fill.objects.select_related("order__proposal").filter(
            transaction__in=[one for wash in found for one in (wash.sale, wash.replacement)]
        )
    }

    def name(pk: int) -> str:
        one, proposal = entries[pk], fills.get(pk)
        made = f"{proposal.kind} of {proposal.as_of}" if proposal else "nobody's proposal"
        return (
            f"{one.kind} {one.quantity} of security {one.security} on {one.trade_date} in account "
            f"{one.account} for {one.amount} ({made})"
        )

    return "\n".join(
        f"${cents(wash.dollars):,.2f}{' for ever' if wash.permanent else ''}: "
        f"{name(wash.sale)} washed by {name(wash.replacement)}"
        for wash in found
    )


@dataclass(frozen=True)
class Causes:
    """Wash sales by who made them: accepted by name, made by the client alone, and those that must not be."""

    accepted: dict[int, Fraction]  # proposal -> dollars of loss that its trades defer
    outside: list[Wash]
    ours: list[Wash]


def causes(found: Iterable[Wash], outside: Collection[int]) -> Causes:
    """Every wash sale has one cause. ``outside`` are transactions that nobody here proposed."""
    rows = Fill.objects.filter(order__proposal__decisions__accepted_wash__gt=0)
    by_name = dict(rows.values_list("transaction_id", "order__proposal_id"))
    accepted: dict[int, Fraction] = {}
    theirs, ours = [], []
    for wash in found:
        proposals = [by_name[one] for one in (wash.sale, wash.replacement) if one in by_name]
        if {wash.sale, wash.replacement} & set(outside):
            theirs.append(wash)
        elif proposals:
            accepted[proposals[0]] = accepted.get(proposals[0], Fraction(0)) + wash.dollars
        else:
            ours.append(wash)
    return Causes(accepted, theirs, ours)


def accepted_otherwise(ledger: Ledger, household: int, accepted: dict[int, Fraction]) -> list[str]:
    """Proposals of which another sum was accepted than the oracle finds, to the cent.

    A window may close between the night that stated the sum and the fill: less is deferred then than was accepted. What
    was accepted is the sum of a fill on the night's own date.
    """
    decisions = Decision.objects.filter(
        proposal__household=household, proposal__status=Status.FILLED, accepted_wash__gt=0
    )
    found = []
    for one in decisions.select_related("proposal"):
        deferred = cents(accepted.get(one.proposal_id, Fraction(0)))
        if one.accepted_wash == deferred:
            continue
        in_time = cents(_deferred_at_once(ledger, one.proposal))
        if not deferred < one.accepted_wash == in_time:
            found.append(
                f"{one.proposal.kind} of {one.proposal.as_of}: {one.accepted_wash} was accepted, {deferred} is "
                f"deferred, {in_time} would be if it had been filled on that day"
            )
    return found


def _deferred_at_once(ledger: Ledger, proposal: Proposal) -> Fraction:
    """Dollars that the oracle would disallow if all fills of the proposal were of the night's date."""
    fills = Fill.objects.filter(order__proposal=proposal).values_list("transaction_id", flat=True)
    ours = {str(one) for one in fills}
    entries = [
        replace(one, trade_date=proposal.as_of) if one.id in ours else one for one in ledger.entries
    ]
    moved = replace(ledger, entries=tuple(sorted(entries, key=lambda one: one.trade_date)))
    return causes(washes(moved), ()).accepted.get(proposal.pk, Fraction(0))


def bought_too_soon(household: int, ledger: Ledger) -> list[str]:
    """I9, asked of the orders alone: what we bought within 30 days after a loss of the household, nobody accepting."""
    losses = {
        (row.security_id, row.trade_date)
        for row in Disposal.objects.filter(account__household=household, is_taxable=True)
        if row.proceeds < row.basis
    }
    bought = Fill.objects.filter(order__account__household=household, order__side=Side.BUY)
    bought = bought.exclude(order__proposal__decisions__accepted_wash__gt=0)
    return [
        f"{fill.order.security} sold at a loss on {day}, bought on {fill.trade_date} by the "
        f"{fill.order.proposal.kind} of {fill.order.proposal.as_of}"
        for fill in bought.select_related("order__security", "order__proposal")
        for security, day in sorted(losses)
        if 0 <= (fill.trade_date - day).days <= WINDOW
        and _identical(security, fill.order.security_id, ledger)
    ]


def _identical(first: int, second: int, ledger: Ledger) -> bool:
    groups = (one.securities() if isinstance(one, DatedGroup) else one for one in ledger.groups)
    return first == second or any({str(first), str(second)} <= set(group) for group in groups)


@dataclass
class Ended:
    """I15: what has ended stays as it ended; looked at every day."""

    known: dict[int, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def watch(self, firm: Firm) -> None:
        now = dict(Proposal.objects.filter(household__firm=firm).values_list("pk", "status"))
        for pk, was in self.known.items():
            if now.get(pk) != was:
                self.broken.append(f"proposal {pk} was {was} and is {now.get(pk)}")
        self.known |= {pk: status for pk, status in now.items() if status in _TERMINAL}


def decided_wrongly(firm: Firm) -> list[str]:
    """I15: every order comes from one approval, of exactly the content that was shown."""
    found = []
    proposals = Proposal.objects.filter(household__firm=firm, orders__isnull=False).distinct()
    for proposal in proposals.prefetch_related("decisions"):
        said = [(one.verdict, one.content_sha256) for one in proposal.decisions.all()]
        if said != [(Verdict.APPROVE, proposal.content_sha256)]:
            found.append(f"{proposal} has orders and the decisions {said}")
    return found


def pairs_without_a_state(firm: Firm, last_night: date) -> list[str]:
    """I23: every harvest pair whose purchase was filled before the last night has exactly one state."""
    found = []
    bought = Order.objects.filter(
        proposal__household__firm=firm,
        proposal__kind=ProposalKind.HARVEST,
        proposal__status=Status.FILLED,
        side=Side.BUY,
        filled_quantity__gt=Decimal(0),
    )
    lately = Fill.objects.filter(order=OuterRef("pk"), trade_date__gte=last_night)
    for order in bought.exclude(Exists(lately)):
        rows = HarvestedPair.objects.filter(proposal=order.proposal_id, pair=order.pair)
        if rows.count() != 1:
            found.append(
                f"pair {order.pair} of {order.proposal_id} has the states {list(rows.values())}"
            )
    return found
