"""The admin as one site: the shop and the agency first, the machinery last, under names that people know."""

from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.sites import AdminSite
from django.db.models.base import ModelBase

# Label of an app -> what its section is called, in the order of the sections.
MACHINERY = {"django_q": "Background jobs", "knox": "API tokens", "auth": "Users and groups", "axes": "Sign-ins"}
MODEL_NAMES = {"AuthToken": "API tokens"}
# django-q2's own schedules run nothing here (ours are the board's): a page that adds one would lead nowhere.
UNUSED = {"django_q.schedule"}


class BoardAdminSite(AdminSite):
    site_header = site_title = "Direction Board"
    index_title = "The agency"

    def register(self, model_or_iterable, admin_class=None, **options):
        models = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else model_or_iterable
        used = [model for model in models if model._meta.label_lower not in UNUSED]
        super().register(used, admin_class, **options)

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
