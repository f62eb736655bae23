"""Why a loss lot was passed over."""

from enum import StrEnum


class Outcome(StrEnum):
    """The verdict on one loss lot; everything but TAKE is a reason for not harvesting it."""

    TAKE = "take"
    BELOW_FLOOR = "below_floor"  # loss in dollars or per cent under the policy
    NO_BENEFIT = "no_benefit"  # tax saved does not cover cost and floor
    NO_SUBSTITUTE = "no_substitute"
    SUBSTITUTE_BLOCKED = (
        "substitute_blocked"  # every substitute is inside a window, or has no price
    )
    RECENT_PURCHASE = "recent_purchase"  # bought in the last 30 days in the household: would wash
    RESERVED = "reserved"  # another open proposal sells these shares
    NO_PRICE = "no_price"
    STALE_PRICE = "stale_price"
    NOT_TAX_MANAGED = "not_tax_managed"
    TOO_SMALL = "too_small"  # less than one whole share
    HOUSEHOLD_BUSY = "household_busy"  # an approved harvest is still on its way
