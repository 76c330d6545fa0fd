"""What a call may be asked in its address."""

from earnings.refusals import Refusal

# Chosen by DRF's content negotiation before any view is asked.
NEGOTIATED = ("format",)


class KnowsItsParameters:
    """View mixin: each parameter of the address is known, given once and not empty; any other is refused (400).

    A parameter that is misspelled and ignored would answer with rows that nobody asked for. A list knows those of
    its filters, ordering and pages; `query_parameters` are the call's own (`OpenApiParameter`s).
    """

    query_parameters = ()

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if not hasattr(self, request.method.lower()):
            return  # a 405 says more
        names = {parameter.name: False for parameter in self.query_parameters}
        if getattr(self, "action", None) == "list":
            for part in (*(backend() for backend in self.filter_backends), self.paginator):
                names |= part.parameters(self)
        check(request.query_params, names)


def check(given, names):
    """Refuse (400) what is not in `names`, a mapping of each known name to whether its text may be empty."""
    known = f"Known: {', '.join(names)}." if names else "This call has none."
    errors = []
    for name in sorted(set(given) - set(NEGOTIATED)):
        if name not in names:
            errors.append({"pointer": f"/{name}", "detail": f"Unknown parameter. {known}"})
        elif len(given.getlist(name)) > 1:
            errors.append({"pointer": f"/{name}", "detail": "Given more than once."})
        elif not given[name] and not names[name]:
            errors.append({"pointer": f"/{name}", "detail": "Has no value."})
    if errors:
        raise Refusal("The address has parameters that this call can't take.", status=400, errors=errors)
