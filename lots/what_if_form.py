"""What the what-if page accepts; whether the shares are there is for ``lots.what_if`` to say."""

import re
from decimal import Decimal
from typing import Any, NamedTuple

from django import forms

_LOT = re.compile(r"lot-([0-9]{1,18})-([0-9]{1,9})")
_SMALLEST = Decimal("0.00000001")


class PickedShares(NamedTuple):
    """Shares of one lot part, named by the transaction that opened it."""

    opening: int
    part: int
    shares: Decimal


def _number(*, places: int) -> forms.DecimalField:
    return forms.DecimalField(
        required=False, min_value=_SMALLEST, max_digits=20, decimal_places=places
    )


class WhatIfForm(forms.Form):
    """An account and a security; then shares, or lots picked in fields ``lot-<opening>-<part>``, and a price."""

    account = forms.UUIDField(error_messages={"required": "Choose an account."})
    security = forms.CharField(max_length=20, error_messages={"required": "Choose a security."})
    shares = _number(places=8)
    price = _number(places=6)

    def clean(self) -> dict[str, Any]:
        """Adds ``picks``; without ``shares`` they are the shares. None: only the position was chosen."""
        cleaned = super().clean() or {}
        picks = self._picks()
        if picks and cleaned.get("shares") is None and "shares" not in self.errors:
            cleaned["shares"] = sum((pick.shares for pick in picks), Decimal(0))
        return {**cleaned, "picks": picks}

    def _picks(self) -> tuple[PickedShares, ...]:
        number, found = _number(places=8), []
        for key, typed in self.data.items():
            lot = _LOT.fullmatch(key)
            if lot is None:
                continue
            try:
                shares = number.clean(typed)
            except forms.ValidationError as error:
                self.add_error(
                    None, [f"Shares of a lot, {typed!r}: {one}" for one in error.messages]
                )
                continue
            if shares is not None:
                found.append(PickedShares(int(lot[1]), int(lot[2]), shares))
        return tuple(found)

    def problems(self) -> list[str]:
        """Every error as a sentence that names its field."""
        found = []
        for name, errors in self.errors.items():
            label = f"{name.capitalize()}: " if name in ("shares", "price") else ""
            found += [f"{label}{error}" for error in errors]
        return found
