"""The demonstration's first night, scanned by the Celery worker while somebody waits, and its first reviews."""

import sys
import time
from collections.abc import Callable

from tqdm import tqdm

from accounts.models import Firm
from config.demo.load import FIRM
from config.demo.market import AS_OF
from scans.review_services import open_review
from scans.selectors import progress_of
from scans.services import open_run
from scans.types import REVIEWS

LIMIT_SECONDS = 600


def demo_firm() -> Firm | None:
    """The demonstration firm, where it has been loaded."""
    return Firm.objects.filter(name=FIRM).first()


def scan_and_wait(*, each_tick: Callable[[], object], limit: float = LIMIT_SECONDS) -> bool:
    """Open the night of 28 December 2022 and wait until every household has ended: True; False after `limit`.

    Then the reviews are opened, and the worker goes on with them while somebody looks round. `each_tick` is called
    before every look and may raise to end the waiting. Raises Firm.DoesNotExist.
    """
    firm = Firm.objects.get(name=FIRM)
    run = open_run(firm_id=firm.pk, as_of=AS_OF, actor="demo")
    deadline = time.monotonic() + limit
    with tqdm(desc="First scan", unit=" households", disable=not sys.stderr.isatty()) as bar:
        while True:
            each_tick()
            progress = progress_of(run)
            bar.total, bar.n = progress.total, progress.done + progress.failed
            bar.refresh()
            if progress.finished:
                open_reviews(firm, each_tick=each_tick)
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.5)
            run.refresh_from_db()


def open_reviews(firm: Firm, *, each_tick: Callable[[], object]) -> None:
    """Open a weekly, a monthly and a quarterly review of the night's date; the daily one came with the night.

    A demonstration has no clock that would do it, and any trading day may be reviewed. What is there already stays.
    """
    for job in REVIEWS:
        each_tick()
        open_review(firm_id=firm.pk, job=job, as_of=AS_OF, actor="demo")
