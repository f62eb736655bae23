"""A page of a browser in which a person is signed in."""

from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.test import Client

from accounts.models import User

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def signed_in(
    chromium: "Browser",
    live_server: Any,
    user: User,
    *,
    width: int,
    scheme: Literal["light", "dark"],
    has_scripts: bool = True,
) -> "Page":
    """A page of ``width`` by 900 pixels; addresses begin at the server. It waits as long as a busy machine takes."""
    client = Client()
    client.force_login(user)
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        base_url=live_server.url,
        java_script_enabled=has_scripts,
    )
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page = context.new_page()
    page.set_default_timeout(120_000)
    return page
