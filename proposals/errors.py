"""What can go wrong with proposals, orders and fills, said to the person who can mend it."""

from collections.abc import Sequence

from accounts.errors import Conflict, LotwiseError
from proposals.types import Moved, Problem


class BadDraft(LotwiseError):
    """A producer submitted trades that must never be proposed."""

    code = "bad_draft"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(problem.text for problem in self.problems))


class NoReason(LotwiseError):
    """A decision without a reason."""

    code = "no_reason"


class BadLimit(LotwiseError):
    """A limit price that its order cannot have."""

    code = "bad_limit"
    status = 422


class BadCashFlow(LotwiseError):
    """A withdrawal, distribution, fee or deposit that cannot be."""

    code = "bad_cash_flow"
    status = 422


class CashFlowKnown(Conflict):
    """One of the kind, account and day is on record."""

    code = "cash_flow_known"


class CashFlowEnded(Conflict):
    """It is settled or called off, or there is none."""

    code = "cash_flow_ended"


class HouseholdBusy(Conflict):
    """An approved proposal of the same kind is still on its way."""

    code = "household_busy"


class AlreadyDecided(Conflict):
    """Somebody else decided first, or the proposal has ended in another way."""

    code = "already_decided"


class ContentChanged(Conflict):
    """What was looked at is not what is stored."""

    code = "content_changed"


class StaleProposal(Conflict):
    """Inputs moved since the proposal was computed; ``moved`` lists each, old and new."""

    code = "stale"

    def __init__(self, moved: Sequence[Moved]) -> None:
        self.moved = tuple(moved)
        listed = "; ".join(str(change) for change in self.moved)
        super().__init__(
            f"This proposal is stale: {listed}. The next scan makes a fresh one from today's facts."
        )


class WashNotAccepted(Conflict):
    """A proposal that defers a loss is approved only by a person who says so, with the sum (I9)."""

    code = "wash_not_accepted"
    status = 422


class AllHeldBack(Conflict):
    """Orders wait, but none of them may leave now."""

    code = "all_held_back"


class NothingToExport(LotwiseError):
    """No approved order waits for export."""

    code = "nothing_to_export"
    status = 409
