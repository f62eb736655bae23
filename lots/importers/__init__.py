"""Files of transactions: each format has a reader, and every reader sits behind the same guards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from lots.booking_rules import faults
from lots.importers.canonical import read as read_canonical
from lots.importers.directory import Directory
from lots.importers.ofx import read as read_ofx
from lots.types import NewTransaction
from securities.importers.file_text import check_bytes, check_size
from securities.importers.refusal import Problems

Reader = Callable[[bytes, Problems, Directory, date], list[NewTransaction]]
READERS: Mapping[str, Reader] = {"canonical": read_canonical, "ofx": read_ofx}


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The transactions of a file, in its order; each row's ``ordinal`` is its line."""

    format: str
    rows: list[NewTransaction]


def read_file(
    data: bytes,
    *,
    name: str,
    format: str | None,
    directory: Directory,
    as_of: date,
    limit: int,
) -> ReadFile:
    """Read a file of at most ``limit`` bytes; ``format`` None is told from the first bytes.

    Raises ImportRefused with every problem found: a file is taken whole or not at all.
    """
    check_size(name=name, size=len(data), limit=limit)
    check_bytes(name=name, data=data)
    problems = Problems(name)
    chosen = format or detected_format(data)
    reader = READERS.get(chosen)
    if reader is None:
        raise problems.refuse(f"there is no format {chosen!r}; accepted are {', '.join(READERS)}")
    rows = reader(data, problems, directory, as_of)
    for row in rows:
        if problems.full:
            break
        for column, reason in faults(row, as_of=as_of):
            problems.add(reason, line=row.ordinal, column=column)
    problems.raise_if_any()
    if not rows:
        raise problems.refuse("the file holds no transaction")
    return ReadFile(format=chosen, rows=rows)


def detected_format(data: bytes) -> str:
    """``ofx`` for its header or any markup, else ``canonical``."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip().upper()
    return "ofx" if start.startswith((b"OFXHEADER", b"<")) else "canonical"
