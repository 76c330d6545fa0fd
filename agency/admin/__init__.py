"""Where staff steer the agency. Pages and actions call verbs; they hold no rules."""

from django.contrib import admin

from agency.admin import chimera, intents, runs, service_orders  # noqa: F401  they register their models

admin.site.site_header = "Direction Board"
admin.site.site_title = "Direction Board"
admin.site.index_title = "The agency"
admin.site.enable_nav_sidebar = True
