"""Command-line options of the whole test suite. (pytest reads them from the top folder only.)"""

from pathlib import Path

import pytest

_GOLDEN = Path(__file__).parent / "tests" / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lotwise")
    group.addoption(
        "--law-cases",
        type=Path,
        default=_GOLDEN / "law.json",
        help="file of wash-sale cases to run through lots.replay",
    )
    group.addoption(
        "--netting-cases",
        type=Path,
        default=None,
        help="file of netting cases to run through lots.netting",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Netting cases are promised, not there yet: whoever asks for them is told so."""
    if config.getoption("--netting-cases") is not None:
        raise pytest.UsageError(
            "--netting-cases: lots.netting is not there yet, so nothing can run them"
        )
