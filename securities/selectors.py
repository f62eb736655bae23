"""Reads about a firm's securities."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from django.db.models import OuterRef, Subquery

from accounts.models import Firm
from securities.models import IdenticalMember, Price, Security
from securities.types import Quote


def latest_prices(firm_id: int, as_of: date) -> dict[int, Quote]:
    """Security -> its newest close on or before ``as_of``; securities without one are left out."""
    # One index look-up a security: reading the whole history would cost more with every year.
    newest = Price.objects.filter(security=OuterRef("pk"), day__lte=as_of).order_by("-day")
    ids = Security.objects.filter(firm=firm_id).annotate(newest=Subquery(newest.values("pk")[:1]))
    rows = Price.objects.filter(pk__in=ids.values("newest")).values_list("security", "close", "day")
    return {security: Quote(price=close, day=day) for security, close, day in rows}


def identical_groups(firm_id: int) -> tuple[frozenset[int], ...]:
    """Securities that count as one for wash sales (R24): the active members of each group of two or more."""
    members: defaultdict[int, set[int]] = defaultdict(set)
    rows = IdenticalMember.objects.filter(group__firm=firm_id, ended_on=None)
    for group, security in rows.order_by("group_id").values_list("group_id", "security_id"):
        members[group].add(security)
    return tuple(frozenset(group) for group in members.values() if len(group) > 1)


def half_spreads(firm_id: int) -> dict[int, Decimal]:
    """Security -> half of its bid-ask spread as a fraction of the price."""
    return dict(Security.objects.filter(firm=firm_id).values_list("pk", "half_spread"))


def symbols(firm_id: int) -> dict[int, str]:
    """Security -> symbol."""
    return dict(Security.objects.filter(firm=firm_id).values_list("pk", "symbol"))


def security_ids(firm_id: int) -> dict[str, int]:
    """Symbol -> security."""
    return {symbol: security for security, symbol in symbols(firm_id).items()}


def public_ids(firm_id: int) -> dict[str, int]:
    """Public id -> security."""
    rows = Security.objects.filter(firm=firm_id).values_list("public_id", "pk")
    return {str(public_id): security for public_id, security in rows}


def firm_named(text: str) -> Firm | None:
    """The firm of this name, or of this number where no firm has such a name; None if there is none."""
    named = Firm.objects.filter(name=text).first()
    if named is None and text.isascii() and text.isdigit() and len(text) < 19:
        return Firm.objects.filter(pk=int(text)).first()
    return named


def only_firm() -> Firm | None:
    """The firm of an installation that has one; None where there are none or several."""
    firms = list(Firm.objects.all()[:2])
    return firms[0] if len(firms) == 1 else None
