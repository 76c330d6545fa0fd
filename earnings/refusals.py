"""How a verb says no."""


class Refusal(Exception):
    """A verb was asked for something that the rules do not allow; nothing was changed.

    `detail` is a sentence for people. `status` is the HTTP status that doors answer with: 409 when the state
    forbids it, 422 when the values do, 404 when the thing named does not exist. `allowed` lists what it
    would allow. `errors` are `{"pointer": "/params/file", "detail": "..."}`, one for each bad value.
    """

    def __init__(self, detail, *, status=409, allowed=None, errors=(), **extra):
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.allowed = allowed
        self.errors = list(errors)
        self.extra = extra

    @classmethod
    def of_field(cls, pointer, detail, **extra):
        """A value that can't be accepted, named by its JSON pointer."""
        return cls(detail, status=422, errors=[{"pointer": pointer, "detail": detail}], **extra)
