from django.apps import AppConfig


class EarningsConfig(AppConfig):
    name = "earnings"
    verbose_name = "Earnings"

    def ready(self):
        from earnings import checks  # noqa: F401
