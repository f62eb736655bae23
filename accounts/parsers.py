"""A JSON parser that accepts only what means the same to everybody."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class StrictJSONParser(BaseParser):
    """UTF-8 JSON without NaN, infinities, doubled keys or binary floats: numbers are Decimal, amounts strings."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed body. Raises ParseError (400) with the reason."""
        try:
            return json.loads(
                stream.read().decode("utf-8"),
                parse_float=Decimal,
                parse_constant=_refuse_constant,
                object_pairs_hook=_unique,
            )
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise ParseError(f"The body is not acceptable JSON: {error}") from error


def _refuse_constant(word: str) -> object:
    raise ValueError(f"{word} is not a number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result
