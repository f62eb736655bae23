"""Words of the trade that every room shares: kinds of account, owner and role."""

from decimal import Decimal
from enum import StrEnum

# No column holds more; the bound also keeps NaN out of the database (accounts.fields).
QUANTITY_LIMIT = Decimal(10) ** 12  # shares
MONEY_LIMIT = Decimal(10) ** 14  # dollars
PRICE_LIMIT = Decimal(10) ** 10  # dollars a share


class AccountKind(StrEnum):
    """How an account is taxed (R16, U7)."""

    TAXABLE = "taxable"
    TRADITIONAL_IRA = "traditional_ira"
    ROTH_IRA = "roth_ira"
    K401 = "401k"
    HSA = "hsa"
    TRUST = "trust"

    @property
    def label(self) -> str:
        """As people write it."""
        return _KIND_LABELS[self]

    @property
    def is_taxable(self) -> bool:
        """Whether sales in the account are reported on the owner's return (a trust here is a grantor trust)."""
        return self in (AccountKind.TAXABLE, AccountKind.TRUST)


_KIND_LABELS = {
    AccountKind.TAXABLE: "Taxable",
    AccountKind.TRADITIONAL_IRA: "Traditional IRA",
    AccountKind.ROTH_IRA: "Roth IRA",
    AccountKind.K401: "401(k)",
    AccountKind.HSA: "HSA",
    AccountKind.TRUST: "Trust",
}


class OwnerKind(StrEnum):
    """A corporation is one that the household controls (R18)."""

    PERSON = "person"
    CORPORATION = "corporation"


class Role(StrEnum):
    """What a user may do; an API client is a user that no person signs in as."""

    ADVISER = "adviser"
    APPROVER = "approver"
    OPERATIONS = "operations"
    API_CLIENT = "api_client"


class FilingStatus(StrEnum):
    """Filing statuses as the rate tables name them (R34)."""

    SINGLE = "single"
    MARRIED_JOINTLY = "mfj"
    MARRIED_SEPARATELY = "mfs"
    HEAD_OF_HOUSEHOLD = "hoh"
    SURVIVING_SPOUSE = "qss"
