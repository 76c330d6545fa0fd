"""The admin as one site: the shop and the agency first, the machinery last, under names that people know."""

from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.sites import AdminSite

# Label of an app -> what its section is called, in the order of the sections.
MACHINERY = {"django_q": "Background jobs", "knox": "API tokens", "auth": "Users and groups", "axes": "Sign-ins"}
MODEL_NAMES = {"AuthToken": "API tokens"}


class BoardAdminSite(AdminSite):
    site_header = site_title = "Direction Board"
    index_title = "The agency"

    def get_app_list(self, request, app_label=None):
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["name"] = MACHINERY.get(app["app_label"], app["name"])
            for model in app["models"]:
                model["name"] = MODEL_NAMES.get(model["object_name"], model["name"])
        last = list(MACHINERY)
        return sorted(apps, key=lambda app: last.index(app["app_label"]) if app["app_label"] in last else -1)


class BoardAdminConfig(AdminConfig):
    default_site = "config.admin.BoardAdminSite"
