from django.urls import path

from scans import review_views, views

urlpatterns = [
    path("operations/", views.operations_page, name="operations"),
    path("operations/coverage.csv", views.coverage_file, name="scan-coverage"),
    path("households/<uuid:public_id>/look-again/", views.look_again, name="look-again"),
    path("scans/", views.runs, name="scans"),
    path("scans/start/", views.start, name="start-scan"),
    path("scans/<uuid:public_id>/", views.run, name="scan"),
    path("scans/<uuid:public_id>/reopening/", views.reopen, name="reopen-scan"),
    path("reviews/", review_views.reviews, name="reviews"),
    path("reviews/start/", review_views.start, name="start-review"),
    path("reviews/<uuid:public_id>/", review_views.review, name="review"),
    path(
        "reviews/<uuid:public_id>/households/<uuid:household_id>/",
        review_views.household,
        name="review-household",
    ),
    path("reviews/<uuid:public_id>/signature/", review_views.sign, name="sign-review"),
]
