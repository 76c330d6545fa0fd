from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StorefrontConfig(AppConfig):
    name = "storefront"
    verbose_name = "Storefront"

    def ready(self):
        from storefront import recipes, staff, workflows  # noqa: F401  the last two register themselves

        # Permissions exist only after Django's own post_migrate; a data migration would be too early.
        post_migrate.connect(staff.create_groups, sender=self)
