from django.urls import path

from rebalancing import backtest_views, views

urlpatterns = [
    path("households/<uuid:public_id>/drift/", views.drift, name="household-drift"),
    path("backtests/rebalance/", backtest_views.rebalance, name="backtest-rebalance"),
    path(
        "backtests/rebalance/<slug:rebalance_table>.csv",
        backtest_views.rebalance_file,
        name="backtest-rebalance-file",
    ),
    path("models/versions/<uuid:public_id>/", views.model_version, name="model-version"),
    path("models/versions/<uuid:public_id>/decision/", views.decide_version, name="decide-version"),
]
