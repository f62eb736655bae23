from django.urls import path

from harvesting import views

urlpatterns = [
    path("households/<uuid:public_id>/losses/", views.losses, name="household-losses"),
    path("backtests/harvest/", views.backtest_harvest, name="backtest-harvest"),
    path(
        "backtests/harvest/<slug:backtest_table>.csv",
        views.backtest_harvest_file,
        name="backtest-harvest-file",
    ),
]
