from django.apps import AppConfig


class AgencyConfig(AppConfig):
    name = "agency"
    verbose_name = "Agency"

    def ready(self):
        from agency import checks, recipes, workflows  # noqa: F401  they register themselves
