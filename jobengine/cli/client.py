"""Talking to the API: address and key from the environment, errors as one sentence."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

import click
import httpx

DEFAULT_URL = "http://127.0.0.1:8080"

_TIMEOUT = httpx.Timeout(60.0, connect=4.0)
# The answer to an upload comes when the last byte is stored.
_UPLOAD_TIMEOUT = httpx.Timeout(600.0, connect=4.0)
# Of a limit that is over so soon, the command waits for the end; one on stored bytes is not.
_SOON_SECONDS = 10.0
_PATIENCE_SECONDS = 120.0
DIRECT = dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"))
"""Mounts of httpx by which what runs on this machine is asked directly, whatever proxy leads out of it."""


T = TypeVar("T")


class ApiAway(click.ClickException):
    """The API cannot be reached, or says that it cannot answer right now; it may be back soon."""


class LimitReached(click.ClickException):
    """The owner asks for more than is allowed; it may ask again after some seconds."""

    def __init__(self, message: str, after_seconds: float) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class ApiClient:
    """A client of the native API; every refusal becomes a ClickException with the API's own sentence."""

    def __init__(self, url: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = server_url(url)
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1", headers=headers, timeout=_TIMEOUT, transport=transport, mounts=DIRECT
        )

    def call(self, method: str, *path: str, **arguments: Any) -> Any:
        """The answer's JSON; the parts of the path are escaped. A limit that is over soon is waited for."""

        def ask() -> Any:
            with self._told(), self._http.stream(method, _join(path), **arguments) as answer:
                answer.read()
                _check(answer)
                return answer.json() if answer.content else None

        return self._within_limits(ask)

    def upload(self, name: str, source: BinaryIO) -> dict[str, Any]:
        """Send a file, streamed; what the API says of it."""
        # A name that is no text in this system's encoding still has to be sent as text.
        files = {"files": (name.encode(errors="replace").decode(), source)}
        item: dict[str, Any] = self.call("POST", "files", files=files, timeout=_UPLOAD_TIMEOUT)["items"][0]
        return item

    def download(self, *path: str, target: BinaryIO) -> None:
        """Stream a body into an open file, from wherever the API says that it is; the key goes to the API alone."""

        def ask() -> None:
            with self._told(), self._http.stream("GET", _join(path), follow_redirects=True) as answer:
                if answer.is_error:
                    answer.read()
                _check(answer)
                for chunk in answer.iter_bytes():
                    target.write(chunk)

        self._within_limits(ask)

    def all(self, *path: str, **criteria: Any) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.call("GET", *path, params={"limit": 1000, **criteria, **({"cursor": cursor} if cursor else {})})
            items += page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return items

    def _within_limits(self, ask: Callable[[], T]) -> T:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return ask()
            except LimitReached as error:
                if error.after_seconds > _SOON_SECONDS or time.monotonic() + error.after_seconds > deadline:
                    raise
                time.sleep(error.after_seconds)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise ApiAway(f"{self.url} cannot be reached: {reason}. Is it up, and is JOBENGINE_URL right?") from None
        except ValueError:
            raise click.ClickException(
                f"{self.url} does not answer like a Jobengine. Is JOBENGINE_URL right?"
            ) from None


def server_url(text: str) -> str:
    """The address of the server that JOBENGINE_URL means; it may be that of the native API as well."""
    return (text or DEFAULT_URL).rstrip("/").removesuffix("/api/v1")


def connect() -> ApiClient:
    """A client for JOBENGINE_URL with JOBENGINE_API_KEY; raises ClickException where there is no key."""
    key = os.environ.get("JOBENGINE_API_KEY", "").strip()
    if not key:
        raise click.ClickException("Set JOBENGINE_API_KEY to an API key; `jobengine up` writes one to DIR/admin.key.")
    if not key.isascii() or not key.isprintable():
        raise click.ClickException("JOBENGINE_API_KEY is not an API key; those begin with 'je_'.")
    return ApiClient(os.environ.get("JOBENGINE_URL", ""), key)


def _join(path: tuple[str, ...]) -> str:
    return "/" + "/".join(quote(part, safe="") for part in path)


def _check(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    after = answer.headers.get("Retry-After", "")
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS and after.isascii() and after.isdigit():
        raise LimitReached(_sentence(answer), float(after))
    is_away = answer.status_code in (502, 503, 504)
    raise (ApiAway if is_away else click.ClickException)(_sentence(answer))


def _sentence(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        field = f"{problem['field']}: " if problem.get("field") else ""
        return f"{field}{problem['detail']} (request {problem['request_id']})"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{answer.request.url} answered {answer.status_code}. Is JOBENGINE_URL right?"
