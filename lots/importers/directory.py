"""What the names in a file mean for one firm: accounts and securities by the names that files use."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Directory:
    """Primary keys by name. ``account`` is the one the file is imported into, where the user chose one."""

    accounts: Mapping[str, int]  # by account number and by public id
    symbols: Mapping[str, int]
    cusips: Mapping[str, int] = field(default_factory=dict)
    isins: Mapping[str, int] = field(default_factory=dict)
    account: int | None = None
    account_number: str = ""
