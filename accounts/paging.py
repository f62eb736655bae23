"""Pages of fifty rows, with the rest of the address kept."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

PER_PAGE = 50


def page_of(request: HttpRequest, rows: Any) -> dict[str, Any]:
    """Template context: ``page``, and ``query`` to put before ``page=N`` in a link.

    A view that shows the rows at another address than their own gives the template that as ``here``.
    """
    page: Page[Any] = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    kept = request.GET.copy()
    kept.pop("page", None)
    return {"page": page, "query": f"{kept.urlencode()}&" if kept else ""}
