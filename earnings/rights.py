"""Who may call what over the API: Django's model permissions, read included."""

from rest_framework.permissions import DjangoModelPermissions


class ModelRights(DjangoModelPermissions):
    """Django's `view`, `add`, `change` and `delete` permissions of the view's model.

    A verb on an existing row (an extra action with `detail=True`) needs `change`, whatever its method;
    a view that stands for no model declares `rights = ("app.codename", ...)`.
    """

    def get_required_permissions(self, method, model_cls):
        codename = {"GET": "view", "HEAD": "view", "OPTIONS": "view", "POST": "add", "DELETE": "delete"}
        kind = codename.get(method, "change")
        return [f"{model_cls._meta.app_label}.{kind}_{model_cls._meta.model_name}"]

    def has_permission(self, request, view):
        if not (request.user and request.user.is_authenticated):
            return False
        rights = getattr(view, "rights", None)
        if rights is not None:
            return request.user.has_perms(rights)
        model = self._queryset(view).model
        method = "PATCH" if request.method == "POST" and getattr(view, "detail", False) else request.method
        return request.user.has_perms(self.get_required_permissions(method, model))
