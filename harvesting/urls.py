from django.urls import path

from harvesting import backtest_views, views

urlpatterns = [
    path("losses/", views.firm_losses, name="losses"),
    path("households/<uuid:public_id>/losses/", views.losses, name="household-losses"),
    path("backtests/harvest/", backtest_views.harvest, name="backtest-harvest"),
    path(
        "backtests/harvest/<slug:backtest_table>.csv",
        backtest_views.harvest_file,
        name="backtest-harvest-file",
    ),
]
