"""Talking to the API: address and key from the environment, errors as one sentence."""

from __future__ import annotations

import os
from typing import Any

import click
import httpx

DEFAULT_URL = "http://127.0.0.1:8080"


class ApiClient:
    """A client of the native API; every refusal becomes a ClickException with the API's own sentence."""

    def __init__(self) -> None:
        key = os.environ.get("JOBENGINE_API_KEY")
        if not key:
            raise click.ClickException("Set JOBENGINE_API_KEY; `jobengine up` writes one to DIR/admin.key.")
        self.url = os.environ.get("JOBENGINE_URL", DEFAULT_URL).rstrip("/")
        self._http = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key.strip()}"}, timeout=60)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """The answer's JSON."""
        try:
            answer = self._http.request(method, f"/api/v1{path}", **arguments)
        except httpx.HTTPError as error:
            raise click.ClickException(f"{self.url} cannot be reached ({error}). Is JOBENGINE_URL right?") from None
        if answer.is_error:
            raise click.ClickException(_sentence(answer))
        return answer.json() if answer.content else None

    def download(self, path: str, target: Any) -> None:
        """Stream a body into an open file."""
        with self._http.stream("GET", path) as answer:
            if answer.is_error:
                answer.read()
                raise click.ClickException(_sentence(answer))
            for chunk in answer.iter_bytes():
                target.write(chunk)


def _sentence(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        field = f"{problem['field']}: " if problem.get("field") else ""
        return f"{field}{problem['detail']} (request {problem['request_id']})"
    except (ValueError, KeyError):
        return f"{answer.request.url} answered {answer.status_code}."
