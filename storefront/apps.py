from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StorefrontConfig(AppConfig):
    name = "storefront"
    verbose_name = "Storefront"

    def ready(self):
        # They register themselves.
        from storefront import import_workflow, recipes, staff, sweeping, triggers, workflows  # noqa: F401
        from storefront.payments import demo, manual, stripe  # noqa: F401

        # Permissions exist only after Django's own post_migrate; a data migration would be too early.
        post_migrate.connect(staff.create_groups, sender=self)
        post_migrate.connect(triggers.mend, sender=self)
