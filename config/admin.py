"""The admin as one site: the shop and the agency first, the machinery last, under names that people know."""

from functools import wraps
from itertools import chain

from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import BadRequest
from django.db.models.base import ModelBase

# Label of an app -> what its section is called, in the order of the sections.
MACHINERY = {"django_q": "Background jobs", "knox": "API tokens", "auth": "Users and groups", "axes": "Sign-ins"}
MODEL_NAMES = {"AuthToken": "API tokens"}
# django-q2's own schedules run nothing here (ours are the board's): a page that adds one would lead nowhere.
UNUSED = {"django_q.schedule"}
# Its own action, to clean up, asks of a request what only a login has, and fails; each login cleans up anyway.
WITHOUT_ACTIONS = {"axes.accessattempt"}


class BoardAdminSite(AdminSite):
    site_header = site_title = "Direction Board"
    index_title = "The agency"

    def admin_view(self, view, cacheable=False):
        return super().admin_view(_of_what_can_be_asked(view), cacheable)

    def register(self, model_or_iterable, admin_class=None, **options):
        models = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else model_or_iterable
        used = [model for model in models if model._meta.label_lower not in UNUSED]
        if any(model._meta.label_lower in WITHOUT_ACTIONS for model in used):
            options["actions"] = []  # but to delete, which all lists have
        super().register(used, admin_class, **options)

    def get_app_list(self, request, app_label=None):
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["name"] = MACHINERY.get(app["app_label"], app["name"])
            for model in app["models"]:
                model["name"] = MODEL_NAMES.get(model["object_name"], model["name"])
        last = list(MACHINERY)
        return sorted(apps, key=lambda app: last.index(app["app_label"]) if app["app_label"] in last else -1)


def _of_what_can_be_asked(view):
    """The view, which answers 400 where Django's lists ask the database for what it has no form for: a NUL (on
    PostgreSQL), a year beyond all calendars. What is typed into forms is refused by its field."""

    @wraps(view)
    def answer(request, *args, **kwargs):
        values = chain.from_iterable(request.GET.getlist(name) for name in request.GET)
        if any("\0" in text for text in (*request.GET, *values, *request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise BadRequest("A null character can't be looked for.")
        try:
            return view(request, *args, **kwargs)
        except OverflowError:
            if request.method == "POST":
                raise
            raise BadRequest("A number in the address is too large.") from None

    return answer


class BoardAdminConfig(AdminConfig):
    default_site = "config.admin.BoardAdminSite"
