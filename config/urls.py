"""Every address of Lotwise: pages from each room, the API under /api/v1/."""

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", login_not_required(healthz), name="healthz"),
    path("api/v1/", include("config.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs/",
        SpectacularSwaggerSplitView.as_view(
            template_name="api_docs.html", http_method_names=["get", "head"]
        ),
        name="api-docs",
    ),
    path("", include("accounts.urls")),
    path("", include("lots.urls")),
    path("", include("proposals.urls")),
    path("", include("harvesting.urls")),
    path("", include("rebalancing.urls")),
    path("", include("scans.urls")),
]
