from django.urls import path

from rebalancing import backtest_views, views
from rebalancing.transition import views as transition_views
from rebalancing.versions import views as edit_views

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
    path(
        "households/<uuid:public_id>/transition/",
        transition_views.planner,
        name="household-transition",
    ),
    path(
        "households/<uuid:public_id>/transition/start/",
        transition_views.start,
        name="start-transition",
    ),
    path(
        "households/<uuid:public_id>/transition/end/", transition_views.end, name="end-transition"
    ),
    path("proposals/<uuid:public_id>/resolve/", edit_views.resolve, name="resolve-proposal"),
    path("proposals/<uuid:public_id>/point/", edit_views.pick, name="pick-point"),
]
