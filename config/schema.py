"""What the OpenAPI schema says of every operation alike."""

from config.api import TITLES

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
    },
}
ALWAYS = (400, 404, 406, 429)
WITH_CREDENTIALS = (401, 403)
WITH_A_BODY = (409, 413, 415, 422)


def document_refusals(result, generator, request, public):
    """Post-processing hook: the refusals that any operation may answer, all of one form."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            statuses = [*ALWAYS]
            if operation.get("security") != [{}]:
                statuses += WITH_CREDENTIALS
            if method in ("post", "patch"):
                statuses += WITH_A_BODY
            elif "/earnings" in path or path.endswith("/events"):
                statuses.append(422)
            for status in statuses:
                answer = {"description": TITLES[status], "content": body}
                operation["responses"].setdefault(str(status), answer)
    _plain_json_values(schemas)
    return result


def _plain_json_values(schemas):
    """A nullable JSON value is any value: `oneOf` with null would match null twice, and so never."""
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if field.get("oneOf") == [{}, {"type": "null"}]:
                del field["oneOf"]
