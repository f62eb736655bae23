"""Guards in front of the OFX parser: what is not plain OFX never reaches it."""

import re

from securities.importers.file_text import decoded, line_of
from securities.importers.refusal import Problems

DEEPEST = 40  # levels; an investment statement has about twelve
MOST_TAGS = 200_000
MOST_NAMES = 500  # different elements; the whole of OFX has fewer in any one file
_TAG = re.compile(r"<(/?)([A-Za-z0-9_.]+)>")
_DECLARATION = re.compile(r"<!")
_INSTRUCTION = re.compile(r"<\?(?:xml|OFX)\b[^<>]*\?>", re.IGNORECASE)
_CHARSETS = {"1252": "cp1252", "8859-1": "iso-8859-1", "ISO-8859-1": "iso-8859-1", "NONE": "ascii"}


def ofx_body(data: bytes, problems: Problems) -> str:
    """The file from ``<OFX>`` on, every leaf closed, with a blank line for each line of the header.

    Line numbers therefore stay those of the file. Raises ImportRefused for declarations (DOCTYPE, ENTITY, CDATA),
    other markup than plain tags, nesting deeper than ``DEEPEST``, too many tags, or no ``<OFX>`` at all.
    """
    text = decoded(
        name=problems.file, data=data, encoding=_encoding(data, problems), has_lines=False
    )
    if declaration := _DECLARATION.search(text):
        raise problems.refuse(
            "a markup declaration (DOCTYPE, ENTITY, CDATA or a comment) is not accepted in OFX",
            line=line_of(text, declaration.start()),
        )
    start = re.search(r"<OFX>", text, re.IGNORECASE)
    if start is None:
        raise problems.refuse("there is no <OFX> element: this is no OFX file")
    lines_before = line_of(text, start.start()) - 1
    body = _INSTRUCTION.sub("", text[start.start() :])
    return "\n" * lines_before + _closed(body, lines_before, problems)


def _encoding(data: bytes, problems: Problems) -> str:
    """What the header says: version 1 has ENCODING and CHARSET lines, version 2 is XML and UTF-8 by default."""
    header = data[: data.find(b"<OFX>") if b"<OFX>" in data else 1024].decode("latin-1")
    declared = re.search(r"encoding\s*=\s*[\"']([^\"']*)[\"']", header, re.IGNORECASE)
    if declared:
        name = declared.group(1).upper()
    else:
        fields = dict(re.findall(r"^\s*(ENCODING|CHARSET)\s*:\s*(\S+)", header, re.MULTILINE))
        name = fields.get("ENCODING", "UTF-8").upper()
        if name == "USASCII":
            name = fields.get("CHARSET", "1252").upper()
    if name in ("UTF-8", "UNICODE", "US-ASCII"):
        return "utf-8-sig"
    encoding = _CHARSETS.get(name.removeprefix("WINDOWS-"))
    if encoding is None:
        raise problems.refuse(
            f"the encoding {name[:40]!a} is not accepted: export as UTF-8", line=1
        )
    return encoding


def _closed(body: str, lines_before: int, problems: Problems) -> str:
    """Close the leaves, which version 1 leaves open, and count depth on the way.

    The parser would close them too, but it searches a list of all closing tags for each: quadratic.
    """
    closing = {match.group(2).upper() for match in _TAG.finditer(body) if match.group(1)}
    pieces: list[str] = []
    done, depth = 0, 0
    names: set[str] = set()
    leaf = ""
    for tags, match in enumerate(_TAG.finditer(body), start=1):
        name = match.group(2).upper()
        names.add(name)
        pieces.append(_data(body, done, match.start(), lines_before, problems))
        if leaf:
            pieces.append(f"</{leaf}>")
            leaf = ""
        if match.group(1):
            depth -= 1
        elif name in closing:
            depth += 1
        else:
            leaf = name
        if depth > DEEPEST or tags > MOST_TAGS or len(names) > MOST_NAMES:
            raise problems.refuse(
                f"nested deeper than {DEEPEST} levels"
                if depth > DEEPEST
                else f"more than {MOST_TAGS:,} tags or {MOST_NAMES} different ones: export less at a time",
                line=lines_before + line_of(body, match.start()),
            )
        pieces.append(f"<{match.group(1)}{name}>")
        done = match.end()
    pieces.append(_data(body, done, len(body), lines_before, problems))
    return "".join(pieces)


def _data(body: str, start: int, end: int, lines_before: int, problems: Problems) -> str:
    """Text between two tags; what opens with a bracket there is markup that OFX does not have."""
    text = body[start:end]
    bracket = text.find("<")
    if bracket >= 0:
        raise problems.refuse(
            "markup that is no plain OFX tag",
            line=lines_before + line_of(body, start + bracket),
        )
    return text
