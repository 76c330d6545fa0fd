"""What the OpenAPI schema says of every operation alike."""

from django.conf import settings
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from agency.idempotency import LONGEST_KEY, RemembersAnswers
from config.api import TITLES
from earnings.filters import ID

PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "allowed": {"type": "array", "items": {"type": "string"}, "description": "What the state would allow."},
        "request_id": {"type": "string", "description": "With 500: what the log calls this request."},
    },
}
ALWAYS = (400, 404, 406, 429)
WITH_CREDENTIALS = (401, 403)
WITH_A_BODY = (409, 413, 415, 422)
REQUEST_ID = {"description": "What the log calls this request.", "schema": {"type": "string"}}
RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
# A sign that is no blank. JSON Schema's expressions are ECMA-262's, whose `\s` lacks some that Python strips.
NOT_BLANK = r"[^\s\u001c-\u001f\u0085]"
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": NOT_BLANK},
    OpenApiParameter.HEADER,
    description="The same key and body within 24 hours get the first answer again, and nothing is done twice.",
)


class CallSchema(AutoSchema):
    """A call with the parameters that its view says it knows, and the header that its view understands."""

    def get_override_parameters(self):
        found = [*super().get_override_parameters(), *getattr(self.view, "query_parameters", ())]
        remembers = isinstance(self.view, RemembersAnswers) or getattr(self.view, "remembers_wishes", False)
        if self.method == "POST" and remembers:
            found.append(IDEMPOTENCY_KEY)
        return found


class TokenScheme(KnoxTokenScheme):
    """Our tokens in the form of knox's."""

    target_class = "agency.tokens.NarrowedTokens"
    name = "knoxApiToken"


class WorkflowKey(OpenApiSerializerFieldExtension):
    """The workflows of a pipeline, as they are registered when the schema is asked for."""

    target_class = "agency.serializers.WorkflowKeyField"

    def map_serializer_field(self, auto_schema, direction):
        return {"type": "string", "enum": self.target.known()}


def complete(result, generator, request, public):
    """Post-processing hook: what any operation may be sent and may answer."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            _declare_parameters(operation)
            _declare_body(operation, schemas)
            _declare_stream(operation)
            _declare_refusals(path, method, operation)
    _plain_json_values(schemas)
    return result


def _declare_parameters(operation):
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] == "id":
            parameter["schema"] = ID


def _declare_body(operation, schemas):
    """A request's fields are all that there are, and a text that must not be empty has more than blanks."""
    if operation.get("requestBody") is None:
        return
    contents = operation["requestBody"]["content"]
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if "multipart/form-data" in contents:
        limit = settings.CATALOG_UPLOAD_MAX_BYTES
    operation["requestBody"]["description"] = f"At most {limit:,} bytes; more is answered with 413."
    for content in contents.values():
        _close(content["schema"], schemas)


def _close(schema, schemas):
    """Also what is inside of it: a line of a body is read as strictly as the body."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "properties" not in schema:
        return
    schema["additionalProperties"] = False
    for field in schema["properties"].values():
        items = field.get("items", field)
        _close(items, schemas)
        if items.get("type") == "string" and items.get("minLength") and not {"pattern", "enum"} & set(items):
            items["pattern"] = NOT_BLANK


def _declare_stream(operation):
    """A stream's schema is that of one event; drf-spectacular takes it for a list, as the call's JSON is one."""
    for answer in operation["responses"].values():
        stream = answer.get("content", {}).get("text/event-stream")
        if stream and stream["schema"].get("type") == "array":
            stream["schema"] = stream["schema"]["items"]


def _declare_refusals(path, method, operation):
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    statuses = [*ALWAYS]
    if operation.get("security") != [{}]:
        statuses += WITH_CREDENTIALS
    if method in ("post", "patch"):
        statuses += WITH_A_BODY
    elif "/earnings" in path or path.endswith("/events"):
        statuses.append(422)
    if path.endswith("/events"):
        statuses.append(503)
    for status in statuses:
        answer = operation["responses"].setdefault(str(status), {"description": TITLES[status], "content": body})
        if status in (429, 503):
            answer["headers"] = {"Retry-After": RETRY_AFTER}
    for answer in operation["responses"].values():
        answer.setdefault("headers", {})["X-Request-ID"] = REQUEST_ID


def _plain_json_values(schemas):
    """A nullable JSON value is any value: `oneOf` with null would match null twice, and so never."""
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if field.get("oneOf") == [{}, {"type": "null"}]:
                del field["oneOf"]
