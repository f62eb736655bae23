"""The whole road as a newcomer walks it: clone, `make run`, sign in, approve, export, fill, scan again."""

import csv
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

START_LIMIT_SECONDS = 540
SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"
FILL_DAY = "2022-12-28"

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def lotwise() -> Iterator[str]:
    """`git clone` and `make run` in an empty folder; the address once the first scan has ended."""
    if shutil.which("git") is None or shutil.which("make") is None:
        pytest.skip("git and make are needed to walk the whole road")
    folder = Path(tempfile.mkdtemp(prefix="lotwise road "))  # a blank in the path, as people have
    folder.chmod(0o711)
    clone, data = folder / "clone", folder / "data"
    subprocess.run(["git", "clone", "-q", str(settings.BASE_DIR), str(clone)], check=True)
    port = free_port()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "MAKEFLAGS")
        and not name.startswith(("LOTWISE_", "PYTEST_"))
    }
    environment |= {"PORT": str(port), "LOTWISE_DATA_DIR": str(data)}
    log = (folder / "run.log").open("w+", encoding="utf-8")
    running = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        wait_for_line(running, folder / "run.log", "Ctrl-C ends everything")
        yield f"http://127.0.0.1:{port}"
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(timeout=60)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_line(running: subprocess.Popen[Any], log: Path, line: str) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while line not in log.read_text(encoding="utf-8"):
        assert running.poll() is None, f"make run ended:\n{log.read_text(encoding='utf-8')}"
        assert time.monotonic() < deadline, f"make run hangs:\n{log.read_text(encoding='utf-8')}"
        time.sleep(0.5)


@pytest.fixture
def page(chromium: "Browser", lotwise: str) -> Iterator["Page"]:
    """A signed-in page that fails the test on any error in the console."""
    context = chromium.new_context(base_url=lotwise, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda message: troubles.append(message.text) if message.type == "error" else None,
    )
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/")
    assert "/login/" in page.url
    page.get_by_label("User name").fill("adviser")
    page.get_by_label("Password").fill("lotwise-demo")
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()
    assert troubles == []


def shoot(page: "Page", name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True)


def approve_first(page: "Page", kind: str, *, but_not: str = "") -> str:
    """Approve the first pending proposal of a kind (of another household); returns the household's name."""
    page.goto(f"/?kind={kind}")
    shoot(page, f"inbox-{kind}")
    names = page.locator("tbody th a").all_inner_texts()
    household = next(name for name in names if name != but_not)
    page.get_by_role("link", name=household, exact=True).click()
    shoot(page, f"proposal-{kind}")
    page.get_by_label("Note").fill("Discussed with the client.")
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Approved: orders wait for export.").wait_for()
    return household


def fills_for(orders: list[dict[str, str]], prices: dict[str, str]) -> bytes:
    """A custodian's answer: every order filled whole at its reference price."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["order_id", "external_id", "trade_date", "quantity", "price", "fee"])
    for number, order in enumerate(orders, start=1):
        price = prices[order["symbol"]]
        writer.writerow([order["order_id"], f"X{number}", FILL_DAY, order["quantity"], price, "0"])
    return out.getvalue().encode()


def test_from_a_bare_clone_to_lots_windows_and_the_next_night(page: "Page") -> None:
    harvested = approve_first(page, "harvest")
    sold, bought = sides(page)
    household = page.get_by_role("link", name=harvested).first.get_attribute("href")
    assert household
    approve_first(page, "rebalance", but_not=harvested)

    page.goto("/orders/")
    page.get_by_role("button", name=re.compile(r"Export \d+ approved orders?")).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Orders", exact=True).last.click()
    orders = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert {order["symbol"] for order in orders} >= sold | bought
    shoot(page, "orders")

    prices = reference_prices(page)
    fills = {"name": "fills.csv", "mimeType": "text/csv", "buffer": fills_for(orders, prices)}
    page.get_by_label("Fills file (CSV)").set_input_files(fills)  # type: ignore[arg-type]  # a FilePayload
    page.get_by_role("button", name="Import fills").click()
    page.get_by_text(f"{len(orders)} new fills booked, 0 known already.").wait_for()
    page.get_by_label("Fills file (CSV)").set_input_files(fills)  # type: ignore[arg-type]  # a FilePayload
    page.get_by_role("button", name="Import fills").click()
    page.get_by_text("0 new fills booked").wait_for()

    page.goto(household)
    shoot(page, "household")
    for symbol in bought:
        rows = page.locator("tr", has=page.get_by_role("rowheader", name=symbol, exact=True))
        assert rows.filter(has_text="28 Dec 2022").count() >= 1, f"no new lot of {symbol}"
    for symbol in sold:
        window = page.locator("tr", has=page.get_by_role("rowheader", name=symbol, exact=True))
        assert window.filter(has_text="no buy").filter(has_text="28 Jan 2023").count() == 1

    page.goto("/scans/")
    page.get_by_role("button", name="Run the next night").click()
    page.get_by_text("finished").wait_for(timeout=180_000)
    shoot(page, "scan")
    examined = 0
    for link in proposals_of(page, household):
        page.goto(link)
        if "as of 29 december 2022" in page.inner_text("main").lower():
            examined += 1
            assert not sides(page)[1] & sold, "the next night buys what the window blocks"
    assert examined, (
        "the next night proposed nothing for the household: the window was not put to the test"
    )


def sides(page: "Page") -> tuple[set[str], set[str]]:
    """Symbols sold and bought by the proposal on the page."""
    rows = page.locator("h2:text-is('Trades') + div tbody tr")
    sold: set[str] = set()
    bought: set[str] = set()
    for row in rows.all():
        symbol = row.locator("th").inner_text()
        (sold if "Sell" in row.inner_text() else bought).add(symbol)
    return sold, bought


def reference_prices(page: "Page") -> dict[str, str]:
    """Symbol -> reference price as the blotter shows it, on all its pages; ends on the first."""
    prices = {}
    page.goto("/orders/")
    while True:
        for row in page.locator("h2:text-is('Blotter') + div tbody tr").all():
            cells = row.locator("td").all_inner_texts()
            prices[cells[2]] = cells[5].replace("$", "").replace(",", "")
        following = page.locator("a[rel=next]")
        if not following.count():
            page.goto("/orders/")
            return prices
        following.first.click()
        page.wait_for_load_state()


def proposals_of(page: "Page", household: str) -> list[str]:
    page.goto(household)
    links = page.locator("h2:text-is('Proposals') + ul a").all()
    return [link.get_attribute("href") or "" for link in links]
