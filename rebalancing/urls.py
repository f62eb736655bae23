from django.urls import path

from rebalancing import backtest_views, views
from rebalancing.model_changes import views as model_views
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
    path("models/", model_views.models, name="models"),
    path("models/<int:model_id>/", model_views.versions, name="model-versions"),
    path("models/<int:model_id>/views/", model_views.state_view, name="state-view"),
    path("models/<int:model_id>/views/<int:view_id>/end/", model_views.end_view, name="end-view"),
    path("models/<int:model_id>/draft/", model_views.draft, name="draft-weights"),
    path("models/<int:model_id>/universe-change/", model_views.change, name="universe-change"),
    path("models/<int:model_id>/constituents/", model_views.constituents, name="constituents"),
    path("models/versions/<uuid:public_id>/", model_views.version, name="model-version"),
    path("models/versions/<uuid:public_id>/effect/", model_views.effect, name="version-effect"),
    path(
        "models/versions/<uuid:public_id>/households/",
        model_views.households,
        name="version-households",
    ),
    path(
        "models/versions/<uuid:public_id>/measure/", model_views.measure, name="measure-households"
    ),
    path("models/versions/<uuid:public_id>/decision/", model_views.decide, name="decide-version"),
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
    path("proposals/<uuid:public_id>/points/", edit_views.points, name="find-points"),
    path("proposals/<uuid:public_id>/point/", edit_views.pick, name="pick-point"),
]
