"""The OpenAPI 3.1 document, made from the code: what ninja tells, with the errors and headers that all share."""

from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe
from ninja.operation import Operation

from api.authentication import PROJECT_HEADER
from api.v1.app import api
from api.v1.callers import KeyAuth
from api.v1.http import etag_of
from api.v1.problems import Problem
from config.api_paths import PROBLEM_TYPE, V1

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_TAGS: Final = {
    "Generations": "Videos: list, get, order, cancel, retry, edit, and move to the trash.",
    "Batches": "Several videos by one order: all or none, the price first.",
    "Budget and usage": "What may still be spent, what was spent, and what a video costs.",
    "Comments and verdicts": "What people say about a video.",
    "Share links": "Links for people without an account.",
    "Tags": "Words that the team puts on its videos.",
    "Collections": "Places of the team; a video lies in one at most.",
    "Storyboards": "The shots of a collection in their order, and their takes: the price first.",
    "Library": "Pictures that the team keeps, to begin and end videos with.",
    "Presets": "Parameters of the key’s person, under a name.",
    "Teams": "The team of the key, and who is in it.",
    "Events": "Everything that has happened since a cursor.",
}
_DESCRIPTION: Final = """\
What fal has no word for: the team’s gallery, budget, review and share links. A key acts for one person in one team, and
may do what that person may do there now. Money is whole cents, times are RFC 3339 in UTC.

Errors are problems (RFC 9457). Each answer tells how often the key may still ask (`RateLimit`). Lists are read page by
page with `cursor`. What can be changed has an `ETag`: send it as `If-Match`, and a change of somebody else is not
overwritten. A POST that costs takes an `Idempotency-Key`, honoured for 24 hours: sent again, it makes nothing twice.
"""
_ERRORS: Final = {
    "400": "The body is no JSON.",
    "401": "There is no key, or it opens nothing (any more).",
    "403": "The key’s scopes, the role of its person, or a budget do not allow this.",
    "404": "There is nothing here, or nothing that this key may see.",
    "409": "It is not in a state in which this can be done.",
    "412": "It was changed meanwhile: `If-Match` names another state.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "Some values are not valid; `errors` names each.",
    "429": "The key has asked too often: wait as long as `Retry-After` says.",
    "503": "The bucket does not answer. Try again later.",
}
_EXAMPLES: Final = {
    "401": {"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "invalid key credentials"},
    "403": {
        "type": "urn:kling-studio:problem:over-budget",
        "title": "Forbidden",
        "status": 403,
        "detail": "This costs $0.35; $0.00 is left of this month's $50.00 (the team’s limit).",
    },
    "422": {
        "type": "urn:kling-studio:problem:invalid",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "The request has values that are not valid.",
        "errors": [{"detail": "Write what the video should show.", "pointer": "#/prompt"}],
    },
}
_LIMIT_HEADERS: Final = {
    "RateLimit": {"description": "`r` requests are left; in `t` seconds there are more.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "`q` requests in `w` seconds.", "schema": {"type": "string"}},
}
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_IDEMPOTENCY: Final = "Of your own choice. Sent again within 24 hours, the same request makes nothing twice."
_ORDERS: Final = frozenset({"createGeneration", "createBatch"})
_PROJECT: Final[dict[str, Any]] = {
    "name": PROJECT_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "The project to order in: the id of one in which the key may order, or else a name; blank: none. "
        "Without it, the key’s default."
    ),
    "schema": {"type": "string"},
}
_FILES: Final[dict[Any, str]] = {
    "getVideo": "video/mp4",
    "getPoster": "image/webp",
    "getPictureFile": "image/*",
    "getPictureThumbnail": "image/webp",
}
_ETAG: Final = {"ETag": {"description": "Of what the answer says.", "schema": {"type": "string"}}}


@require_safe
def document_view(request: HttpRequest) -> HttpResponse:
    response = JsonResponse(document() | {"servers": [{"url": settings.SITE_URL}]})
    response.headers["ETag"] = etag_of(response.content)
    response.headers["Cache-Control"] = "public, max-age=300"
    found = get_conditional_response(request, etag=response.headers["ETag"], response=response)
    return found if isinstance(found, HttpResponse) else response


@cache
def document() -> dict[str, Any]:
    """Without the servers, which each studio has its own of."""
    found: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=V1))
    found.pop("servers", None)
    found["info"]["description"] = _DESCRIPTION
    found["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    schemas = found["components"]["schemas"]
    schemas |= _schemas_of_problem()
    found["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of the studio, made under Account → Keys: `Authorization: Bearer ks_…`.",
        }
    }
    found["components"]["responses"] = {status: _problem_response(status) for status in _ERRORS}
    for operation, described in _operations(found):
        _complete(operation, described)
    return found


def _schemas_of_problem() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}


def _problem_response(status: str) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if status in _EXAMPLES:
        content["example"] = _EXAMPLES[status]
    headers = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
    more = {"headers": headers} if status in {"429", "503"} else {}
    return {"description": _ERRORS[status], "content": {PROBLEM_TYPE: content}, **more}


def _operations(found: dict[str, Any]) -> list[tuple[Operation, dict[str, Any]]]:
    by_id = {
        operation.operation_id: operation
        for bound in api._get_bound_routers()
        for view in bound.path_operations.values()
        for operation in view.operations
    }
    described = (item[method] for item in found["paths"].values() for method in _METHODS if method in item)
    return [(by_id[one["operationId"]], one) for one in described]


def _complete(operation: Operation, described: dict[str, Any]) -> None:
    described["summary"] = described["summary"].capitalize()
    auth = next(one for one in operation.auth_callbacks if isinstance(one, KeyAuth))
    described["security"] = [{"key": []}]
    scopes = " or ".join(f"`{scope.value}`" for scope in auth.scopes)
    described["description"] = f"{described.get('description', '').strip()}\n\nScope: {scopes}.".strip()
    for parameter in described["parameters"]:
        if parameter["name"] == "idempotency_key":
            parameter |= {"name": IDEMPOTENCY_KEY, "description": _IDEMPOTENCY}
    if operation.operation_id in _ORDERS:
        described["parameters"] = [*described["parameters"], _PROJECT]
    is_get, has_body = "GET" in operation.methods, "requestBody" in described
    described["responses"] = {str(status): answer for status, answer in described["responses"].items()}
    for answer in described["responses"].values():
        answer["headers"] = _LIMIT_HEADERS | (_ETAG if "content" in answer else {})
    for status in _errors_of(described, is_get=is_get, has_body=has_body):
        described["responses"][status] = {"$ref": f"#/components/responses/{status}"}
    for parameter in described["parameters"]:  # ninja has a list where a mapping belongs; it stands in the schema too
        parameter.pop("examples", None)
    described["parameters"] = [*described["parameters"], *_conditions(operation, is_get=is_get)]
    if operation.operation_id in _FILES:
        _describe_file(described, _FILES[operation.operation_id])
    if is_get and "content" in described["responses"]["200"]:
        described["responses"]["304"] = {"description": "It is as `If-None-Match` says.", "headers": _LIMIT_HEADERS}


def _errors_of(described: dict[str, Any], *, is_get: bool, has_body: bool) -> list[str]:
    names = {one["name"] for one in described["parameters"]}
    found = {"401", "403", "429"}
    if "id" in names or "slug" in names:
        found.add("404")
    if has_body:
        found |= {"400", "413", "415", "422"}
    if names - {"id", "slug"}:
        found.add("422")
    if not is_get:
        found.add("409")
    if IDEMPOTENCY_KEY in names:
        found |= {"422", "503"}
    return sorted(found)


_MATCHED: Final = frozenset(
    {"editGeneration", "deleteGeneration", "renameTag", "deleteTag", "editCollection", "deleteCollection"}
    | {
        "editShare",
        "revokeShare",
        "editComment",
        "deleteComment",
        "editShot",
        "deleteShot",
        "editPicture",
        "deletePicture",
    }
)


def _conditions(operation: Operation, *, is_get: bool) -> list[dict[str, Any]]:
    if is_get:
        return [_header("If-None-Match", "The ETag that one has: 304 where it is still so.")]
    if operation.operation_id in _MATCHED:
        return [_header("If-Match", "The ETag that one has seen: 412 where it was changed since.")]
    return []


def _header(name: str, text: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "required": False, "schema": {"type": "string"}, "description": text}


def _describe_file(described: dict[str, Any], kind: str) -> None:
    binary = {"schema": {"type": "string", "format": "binary"}}
    described["responses"]["200"]["content"] = {kind: binary}
    described["responses"]["302"] = {"description": "The file is at another address, for some minutes."}
