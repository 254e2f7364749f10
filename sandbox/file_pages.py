"""fal's storage: both ways to upload, large uploads in parts, and the public files themselves."""

import time
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.job import Job
from sandbox.responses import DrippingFile, TruncatedFile, detail, json_response
from sandbox.state import SandboxState, sandbox_state

ODD_ADDRESS: Final = "/files/b/caf\xe9/r\xe9sum\xe9.mp4"  # Starlette writes it as Latin-1
TOKEN_SECONDS: Final = 3600
PRIVATE_ADDRESS: Final = "http://10.0.0.1/output.mp4"


def _origin(request: Request) -> str:
    return str(request.base_url).rstrip("/")


async def token(request: Request) -> Response:
    """A token for fal's CDN; the Python client fetches it before an upload."""
    origin = _origin(request)
    until = datetime.fromtimestamp(time.time() + TOKEN_SECONDS, UTC).isoformat()
    secret = sandbox_state(request).files.token("upload")
    return json_response({"token": secret, "token_type": "Bearer", "base_url": origin, "expires_at": until})


async def initiate(request: Request) -> Response:
    """An address to PUT a file to, and the address where it can then be read; the JavaScript client's way."""
    files = sandbox_state(request).files
    body = await request.json()
    directory, name = files.new_upload(str(body.get("file_name") or "upload"))
    url = f"{_origin(request)}/files/u/{directory}/{name}"
    return json_response({"upload_url": f"{url}?token={files.token(directory)}", "file_url": url})


def _may_upload(request: Request) -> bool:
    """By the token in the address (for that file only) or by the CDN token in the header."""
    files = sandbox_state(request).files
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    secret = request.query_params.get("token", "")
    return files.is_token("upload", bearer) or files.is_token(request.path_params.get("directory", ""), secret)


async def upload(request: Request) -> Response:
    """A whole file to the CDN, in one body."""
    files = sandbox_state(request).files
    if not _may_upload(request):
        return detail(401, "invalid token")
    directory, name = files.new_upload(request.headers.get("x-fal-file-name", "upload"))
    files.save(directory, name, await request.body())
    return json_response({"access_url": f"{_origin(request)}/files/u/{directory}/{name}"})


async def start_multipart(request: Request) -> Response:
    """Begin a large upload; the Python client then PUTs parts."""
    if not _may_upload(request):
        return detail(401, "invalid token")
    directory, name = sandbox_state(request).files.new_upload(request.headers.get("x-fal-file-name", "upload"))
    return json_response({"access_url": f"{_origin(request)}/files/u/{directory}/{name}", "uploadId": directory})


async def put(request: Request) -> Response:
    """A file, or one part of it, to the address that `initiate` or `start_multipart` gave."""
    files = sandbox_state(request).files
    directory, name, number = (request.path_params.get(key) for key in ("directory", "name", "number"))
    assert directory
    assert name
    if not _may_upload(request) or not (files.folder / "u" / directory).is_dir():
        return detail(401, "invalid token")
    if number is None:
        files.save(directory, name, await request.body())
        return json_response({})
    etag = files.save_part(directory, name, number, await request.body())
    return json_response({"partNumber": number, "etag": etag}, 200, {"ETag": etag})


async def complete(request: Request) -> Response:
    """Make one file of the parts."""
    if not _may_upload(request):
        return detail(401, "invalid token")
    sandbox_state(request).files.join_parts(request.path_params["directory"], request.path_params["name"])
    return json_response({})


async def download(request: Request) -> Response:
    """A public file, with Range, ETag and HEAD. Outputs may be struck by faults."""
    state = sandbox_state(request)
    kind, directory, name = (request.path_params[key] for key in ("kind", "directory", "name"))
    path = state.files.path(kind, directory, name)
    if path is None:
        return detail(404, "Not Found")
    if kind == "b" and request.method == "GET":
        state.store.count("file_gets")
        job = state.store.jobs.get(state.files.job_id(name))
        if job and (faulty := _fault_response(request, state, job)):
            state.store.save(job)
            return faulty
    return FileResponse(path)


def _fault_response(request: Request, state: SandboxState, job: Job) -> Response | None:
    """Something else than the file, as a CDN on a bad day answers."""
    once = state.faults.strikes_once
    if "file_expired" in job.happened or once("file_expired", job):
        return detail(404, "Not Found")
    if once("file_503", job):
        return detail(503, "Service Unavailable")
    if once("file_html", job):
        return Response("<html><body><h1>Please try again later</h1></body></html>", media_type="text/html")
    if once("file_redirect_private", job):
        return RedirectResponse(PRIVATE_ADDRESS, 302)
    if once("file_odd_redirect", job):
        return Response(status_code=302, headers={"location": ODD_ADDRESS})
    return _odd_file(request, state, job)


def _odd_file(request: Request, state: SandboxState, job: Job) -> Response | None:
    """The file itself, but not as one would wish to get it."""
    once, path = state.faults.strikes_once, state.files.output(job)
    if "range" not in request.headers and once("file_truncated", job):
        return TruncatedFile(path)
    if once("file_drip", job):
        return DrippingFile(path)
    if once("file_plain_type", job):
        return FileResponse(path, media_type="text/plain")
    return None


_UPLOAD: Final = "/files/u/{directory}/{name}"

ROUTES: Final = [
    Route("/storage/auth/token", token, methods=["POST"]),
    Route("/storage/upload/initiate", initiate, methods=["POST"]),
    Route("/storage/upload/initiate-multipart", initiate, methods=["POST"]),
    Route("/files/upload", upload, methods=["POST"]),
    Route("/files/upload/multipart", start_multipart, methods=["POST"]),
    Route(f"{_UPLOAD}/complete", complete, methods=["POST"]),
    Route(f"{_UPLOAD}/multipart/{{id}}/complete", complete, methods=["POST"]),
    Route(f"{_UPLOAD}/multipart/{{id}}/{{number:int}}", put, methods=["PUT"]),
    Route(f"{_UPLOAD}/{{number:int}}", put, methods=["PUT"]),
    Route(_UPLOAD, put, methods=["PUT"]),
    Route("/files/{kind}/{directory}/{name}", download, methods=["GET", "HEAD"]),
]
