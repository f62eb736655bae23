"""From a file's bytes to text: size, encoding, control characters and lengths of lines, before anything parses."""

import re

from securities.importers.refusal import Problems

LONGEST_LINE = 20_000  # characters
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LONG_LINE = re.compile(rf"[^\r\n]{{{LONGEST_LINE + 1}}}")


def check_size(*, name: str, size: int, limit: int) -> None:
    """Raises ImportRefused for a file above ``limit`` bytes: call it before the file is read."""
    if size > limit:
        raise Problems(name).refuse(
            f"the file has {size:,} bytes, at most {limit:,} are accepted: split it by date"
        )


def check_bytes(*, name: str, data: bytes) -> None:
    """Raises ImportRefused for an empty file, UTF-16 or NUL bytes."""
    problems = Problems(name)
    if not data.strip():
        raise problems.refuse("the file is empty")
    if data.startswith(_UTF16_MARKS):
        raise problems.refuse("the file is UTF-16: save it as UTF-8", line=1)
    nul = data.find(b"\0")
    if nul >= 0:
        raise problems.refuse(
            "a NUL byte: this is no text, or text in UTF-16; save it as UTF-8",
            line=_line_at(data, nul),
        )


def decoded(*, name: str, data: bytes, encoding: str = "utf-8-sig", has_lines: bool = True) -> str:
    """The file's text without a byte order mark.

    Raises ImportRefused for bytes that are not in the encoding, control characters and over-long lines; OFX may be
    one line (``has_lines`` false).
    """
    problems = Problems(name)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        wanted = "UTF-8" if encoding.startswith("utf-8") else encoding
        raise problems.refuse(
            f"byte 0x{data[error.start]:02X} is not {wanted}: save the file as UTF-8",
            line=_line_at(data, error.start),
        ) from error
    if control := _CONTROL.search(text):
        raise problems.refuse(
            f"a control character (U+{ord(control.group()):04X})",
            line=line_of(text, control.start()),
        )
    if has_lines and (long_line := _LONG_LINE.search(text)):
        raise problems.refuse(
            f"the line is longer than {LONGEST_LINE:,} characters",
            line=line_of(text, long_line.start()),
        )
    return text


def line_of(text: str, position: int) -> int:
    """The number of the line, from 1, in which a character stands. Lines end as ``csv`` ends them."""
    before = text[:position]
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")


def _line_at(data: bytes, position: int) -> int:
    return line_of(data[:position].decode("latin-1"), position)
