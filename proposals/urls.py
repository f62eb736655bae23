from django.urls import path, re_path

from proposals import cash_flow_views, cost_views, views, window_views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("proposals/<uuid:public_id>/", views.proposal, name="proposal"),
    path("proposals/<uuid:public_id>/decision/", views.decide, name="decide"),
    path("proposals/<uuid:public_id>/withdrawal/", views.withdraw, name="withdraw"),
    path("proposals/<uuid:public_id>/closing/", views.close, name="close-orders"),
    path("orders/", views.orders, name="orders"),
    path("orders/export/", views.export_orders, name="export-orders"),
    re_path(
        r"^orders/files/(?P<number>[0-9]{1,9})/(?P<part>orders|lots)/$",
        views.order_file,
        name="order-file",
    ),
    path("orders/<uuid:public_id>/handling/", views.handle_order, name="handle-order"),
    path("orders/costs/", cost_views.trading_costs, name="trading-costs"),
    path("orders/costs/orders.csv", cost_views.trading_costs_csv, name="trading-costs-csv"),
    path("orders/fills/", views.import_fills, name="import-fills"),
    path("households/<uuid:public_id>/", views.household, name="household"),
    path("households/<uuid:public_id>/budget/", views.set_budget, name="set-budget"),
    path("windows/", window_views.firm_windows, name="windows"),
    path("windows/windows.csv", window_views.firm_windows_csv, name="windows-csv"),
    path(
        "households/<uuid:public_id>/windows/",
        window_views.household_windows,
        name="household-windows",
    ),
    path(
        "households/<uuid:public_id>/windows/windows.csv",
        window_views.household_windows_csv,
        name="household-windows-csv",
    ),
    path("households/<uuid:public_id>/restrictions/", window_views.restrict, name="restrict"),
    path(
        "households/<uuid:public_id>/restrictions/lifting/",
        window_views.lift_restriction,
        name="lift-restriction",
    ),
    path(
        "households/<uuid:public_id>/cash-flows/",
        cash_flow_views.expect_cash_flow,
        name="expect-cash-flow",
    ),
    path(
        "households/<uuid:public_id>/cash-flows/ending/",
        cash_flow_views.end_cash_flow,
        name="end-cash-flow",
    ),
]
