from django.apps import AppConfig


class AgencyConfig(AppConfig):
    name = "agency"
    verbose_name = "Agency"

    def ready(self):
        from agency import checks  # noqa: F401  it registers itself, and so do the others
        from agency.recipes import thumbnail  # noqa: F401
        from agency.workflows import (  # noqa: F401
            fiverr_bot,
            gig_optimization,
            launch_announcement,
            service_promotion,
        )
