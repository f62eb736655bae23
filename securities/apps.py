from django.apps import AppConfig


class SecuritiesConfig(AppConfig):
    name = "securities"
