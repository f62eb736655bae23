"""Every address of Lotwise: pages from each room, the API under /api/v1/."""

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path

from config.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", login_not_required(healthz), name="healthz"),
    path("", include("accounts.urls")),
    path("", include("lots.urls")),
    path("", include("proposals.urls")),
    path("", include("harvesting.urls")),
    path("", include("rebalancing.urls")),
    path("", include("scans.urls")),
]
