"""The demonstration's first night, scanned by the Celery worker while somebody waits."""

import sys
import time

from tqdm import tqdm

from accounts.models import Firm
from config.demo.load import FIRM
from config.demo.market import AS_OF
from scans.selectors import progress_of
from scans.services import open_run

LIMIT_SECONDS = 600


def scan_and_wait() -> None:
    """Open the night of 28 December 2022 and wait until every household has ended, at most ten minutes."""
    firm = Firm.objects.get(name=FIRM)
    run = open_run(firm_id=firm.pk, as_of=AS_OF, actor="demo")
    deadline = time.monotonic() + LIMIT_SECONDS
    with tqdm(desc="First scan", unit=" households", disable=not sys.stderr.isatty()) as bar:
        while True:
            progress = progress_of(run)
            bar.total, bar.n = progress.total, progress.done + progress.failed
            bar.refresh()
            if progress.finished or time.monotonic() > deadline:
                return
            time.sleep(0.5)
            run.refresh_from_db()
