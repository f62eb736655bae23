import pytest
from datetime import timedelta
from django.contrib.auth import SESSION_KEY
from django.test import Client
from proposals.models import HarvestedPair, Proposal
from proposals.types import ProposalKind
from tests.harvesting.test_pair_services import MONDAY, make_back


@pytest.mark.django_db(transaction=True)
def test_shots(live_server, chromium):
    desk = make_back()
    desk.stand_at(MONDAY, sub="89.60")
    desk.night(MONDAY)
    row = HarvestedPair.objects.get()
    others = [("waiting", "Day 12 of 31: OLD can be bought from 2023-02-18."), ("keep", row.reason), ("waived", "ada decided to stay: The client likes SUB."), ("done", "19 SUB went back to OLD.")]
    for n, (state, reason) in enumerate(others, 2):
        row.pk, row.pair, row.state, row.reason = None, n, state, reason
        row.save()
    client = Client(); client.force_login(desk.adviser)
    cookie = client.cookies["sessionid"].value
    proposal = Proposal.objects.get(kind=ProposalKind.SWAP_BACK)
    for scheme in ("light", "dark"):
        for width in (1280, 390):
            ctx = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            ctx.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
            page = ctx.new_page()
            errors = []
            page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
            for name, path in (("due", "/swap-backs/"), ("empty", "/swap-backs/?tab=kept"), ("household", f"/households/{desk.household.public_id}/swap-backs/"), ("proposal", f"/proposals/{proposal.public_id}/")):
                page.goto(live_server.url + path)
                for d in page.locator("td details summary").all()[:2]:
                    d.click()
                page.screenshot(path=f"build/screenshots/pairs-{name}-{scheme}-{width}.png", full_page=True)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (name, width, wide)
            assert errors == [], errors
            ctx.close()
