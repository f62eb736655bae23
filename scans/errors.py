"""Refusals of the work list."""

from accounts.errors import Conflict, LotwiseError


class ScanDateRefused(LotwiseError):
    """The night asked for cannot be scanned; the text names one that can."""

    code = "scan_date_refused"


class UnknownScope(LotwiseError):
    """No such firm or household."""

    code = "unknown_scope"
    status = 404


class NothingToScan(Conflict):
    """The latest night has been scanned already."""

    code = "nothing_to_scan"


class BeingScanned(Conflict):
    """Somebody else is looking at the household at this moment."""

    code = "being_scanned"


class ReviewSigned(Conflict):
    """Somebody has signed the review: its findings stay as they are."""

    code = "review_signed"


class ReviewNotReady(Conflict):
    """Households of the review are still being looked at."""

    code = "review_not_ready"
