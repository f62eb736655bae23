"""Ten megabytes of mutations of valid files: whatever comes out, it is rows or a refusal."""

import random
from collections.abc import Iterator

import pytest

from securities.importers.refusal import ImportRefused
from tests.lots.importers.statements import INTO_T1, statement, taken, trade

HEADER = "external_id,trade_date,kind,symbol,quantity,price,amount,fee,lots,memo\n"
CSV = HEADER + "".join(
    f'B-{n},2024-01-05,buy,AAA,{n + 1}.5,10,,1.25,,"memo, {n}"\n' for n in range(400)
)
OFX = statement(*(trade(fitid=f"F-{n}", extra="<MEMO>a &amp; b") for n in range(12)))
SPICE = [
    b"\0", b"\xff", b"<", b">", b"</OFX>", b"<OFX>", b"&#0;", b"&#55296;", b'"', b"\n", b"\r", b",",
    b"1e400", b"NaN", b"-", b"\xef\xbb\xbf", b"=", b"<!DOCTYPE", b"</", b"<A></A>", b"\xc2\x85",
    b"INVSTMTRS", b"<?xml?>", b"9" * 50, b"OFXHEADER", b"ENCODING:UTF-8\n", b";", b":",
]  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    """A copy with up to eight places overwritten, cut out, doubled or spiced."""
    copy = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(copy))
        length = dice.choice((1, 1, 1, 4, 40))
        match dice.randrange(4):
            case 0:
                copy[at] = dice.randrange(256)
            case 1:
                del copy[at : at + length]
            case 2:
                copy[at:at] = copy[at : at + length]
            case _:
                copy[at:at] = dice.choice(SPICE)
    return bytes(copy)


def mutations(data: bytes, *, total: int, seed: int) -> Iterator[bytes]:
    dice = random.Random(seed)
    done = 0
    while done < total:
        case = mutated(data, dice)
        done += len(case)
        yield case


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "total"), [(CSV, 8_000_000), (OFX, 2_000_000)], ids=["canonical", "ofx"]
)
def test_a_mutated_file_gives_rows_or_a_refusal(text: str, total: int) -> None:
    rows = len(taken(text))
    outcomes = {"taken": 0, "refused": 0}
    for case in mutations(text.encode(), total=total, seed=20240601):
        try:
            found = taken(case, directory=INTO_T1)
        except ImportRefused as refusal:
            outcomes["refused"] += bool(refusal.problems)
        else:
            outcomes["taken"] += 0 < len(found) <= 2 * rows

    assert sum(outcomes.values()) == sum(
        1 for _ in mutations(text.encode(), total=total, seed=20240601)
    )
    assert min(outcomes.values()) > 0
