"""Every route that there is: how it is asked, who may, and what each contract's refusals look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from jobengine.domain.records import Role

V, S, N, A = Role.VIEWER, Role.SUBMITTER, Role.ANALYZER, Role.ADMIN
EVERYONE = frozenset({V, S, N, A})
SUBMITTERS, ANALYZERS, ADMINS = frozenset({S, A}), frozenset({N, A}), frozenset({A})
WORKERS = SUBMITTERS | ANALYZERS

FULL_DRAFT = {
    "name": "mine",
    "title": "Mine",
    "description": "What I need.",
    "nodes": [
        {"key": "segment", "step": "test.segment", "parameters": {"sigma": 2}},
        {"key": "measure", "step": "test.measure", "after": ["segment"], "from_parent": ["noop"]},
    ],
}
JOB = {
    "pipeline": "cells",
    "files": ["{file}"],
    "parameters": {"segment": {"sigma": 2}},
    "name": "plate",
    "labels": {"plate": "7"},
    "priority": 5,
    "tolerated_failures": 1,
    "parent": "{job}",
}
BATCH = {
    "name": "sweep",
    "hardware": {"cpu": 2, "memory": 512, "filesystem_list": [{"filesystem_id": "f", "filesystem_name": "files"}]},
    "jobs": [JOB],
}
LIMITS = {"queued_jobs": 1000, "running_tasks": 10, "stored_bytes": 10**9, "requests_per_second": 1000.5}
KEY = {"owner": "new", "role": "viewer", "name": "of the new one", "expires_at": "2030-01-01T00:00:00Z"}
NEW_TASK = {"worker": "w", "state": "enqueued", "message": "soon"}
TASK_REPORT = {"state": "running", "message": "half", "fraction": 0.5}
SUBMISSION = {"fileName": "a.exe", "metaData": {"pipeline": "noop"}}
SEARCH = {
    "state": ["enqueued"],
    "sampleSha256": ["f" * 64],
    "customer": ["lab"],
    "startTimestamp": "2020-01-01T00:00:00Z",
    "endTimestamp": "2030-01-01T00:00:00Z",
    "timeFieldStrategy": ["enqueuedTimestamp"],
    "timeMatchStrategy": "any",
    "limit": 5,
    "offset": 0,
    "sortBy": ["-enqueuedTimestamp"],
}

STASH = {"responseCode", "limit", "offset", "count", "size", "metaData", "messages", "data"}

UPLOAD, SAMPLE = "upload", "sample"
"""Bodies that are no JSON: a form with a file, and the bytes of one."""


class Outcome(Enum):
    """What a caller gets who gets nothing else."""

    NULL = auto()
    NOTHING_DELETED = auto()
    MISSING = auto()
    MALFORMED = auto()
    NO_PATH = auto()
    UNREADABLE = auto()
    INVALID = auto()
    TOO_LARGE = auto()
    WRONG_METHOD = auto()
    TOO_MANY = auto()
    BROKEN = auto()
    FORBIDDEN = auto()
    NO_KEY = auto()
    WRONG_KEY = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """A route; names in its path are those of things that there are."""

    method: str
    path: str
    allowed: Collection[Role] = EVERYONE
    body: Any = None
    status: int = 200
    """What a caller who may gets for an ID of its own."""
    unknown: Outcome = Outcome.MISSING
    malformed: Outcome = Outcome.MISSING
    is_own_only: bool = False
    """An administrator, too, does it with nothing but what is their own."""
    free: Collection[str] = ()
    """Names in the body under which a value may be of another type than what is there."""

    @property
    def names(self) -> list[str]:
        """The things in the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def key(self) -> tuple[str, str]:
        """The method and the rule, without the names in it."""
        return self.method, re.sub(r"{\w+}|<[^>]+>", "{}", self.path.partition("?")[0])


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal: its status, and whether a body is in the contract's own words."""

    status: int
    is_said: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Contract:
    """A product: the header that holds its keys, its routes, and its refusals."""

    name: str
    header: str
    scheme: str
    rows: tuple[Row, ...]
    refusals: Mapping[Outcome, Answer]


def _problem(status: int, code: str) -> Answer:
    return Answer(
        status,
        lambda answer: (
            answer.mimetype == "application/problem+json"
            and (answer.json["status"], answer.json["code"]) == (status, code)
            and len(answer.json["detail"]) > 10
            and bool(answer.json["request_id"])
        ),
    )


NATIVE = Contract(
    "native",
    "Authorization",
    "Bearer ",
    (
        Row("GET", "/api/v1/files/{file}"),
        Row("GET", "/api/v1/files/{file}/content"),
        Row("DELETE", "/api/v1/files/{spare_file}", SUBMITTERS, status=204),
        Row("GET", "/api/v1/jobs/{job}"),
        Row("GET", "/api/v1/jobs/{job}/explain"),
        Row("GET", "/api/v1/jobs/{job}/files"),
        Row("GET", "/api/v1/jobs/{job}/tasks"),
        Row("GET", "/api/v1/jobs/{job}/results"),
        Row("POST", "/api/v1/jobs/{job}/cancel", SUBMITTERS),
        Row("POST", "/api/v1/jobs/{failed_job}/retry", SUBMITTERS, status=201),
        Row("DELETE", "/api/v1/jobs/{job}", SUBMITTERS, status=204),
        Row("POST", "/api/v1/jobs/{open_job}/tasks", ANALYZERS, NEW_TASK, 201),
        Row("GET", "/api/v1/tasks/{task}"),
        Row("GET", "/api/v1/tasks/{task}/log"),
        Row("PATCH", "/api/v1/tasks/{open_task}", ANALYZERS, TASK_REPORT),
        Row("GET", "/api/v1/results/{result}"),
        Row("GET", "/api/v1/results/{result}/job"),
        Row("GET", "/api/v1/artifacts/{artifact}"),
        Row("GET", "/api/v1/artifacts/{artifact}/content"),
        Row("GET", "/api/v1/batches/{batch}"),
        Row("POST", "/api/v1/batches/{batch}/cancel", SUBMITTERS),
        Row("DELETE", "/api/v1/batches/{batch}", SUBMITTERS, status=204),
        Row("GET", "/api/v1/pipelines/{draft}"),
        Row("PUT", "/api/v1/pipelines/{draft}", SUBMITTERS, FULL_DRAFT, free=("sigma",)),
        Row("POST", "/api/v1/pipelines/{draft}/publish", SUBMITTERS),
        Row("POST", "/api/v1/pipelines/{published}/retire", SUBMITTERS),
        Row("GET", "/api/v1/owners/{owner}", ADMINS),
        Row("PUT", "/api/v1/owners/{owner}/limits", ADMINS, LIMITS),
        Row("DELETE", "/api/v1/keys/{key}", ADMINS, status=204),
        Row("POST", "/api/v1/files", SUBMITTERS, UPLOAD, 201),
        Row("GET", "/api/v1/files"),
        Row("GET", "/api/v1/steps"),
        Row("GET", "/api/v1/pipelines"),
        Row("POST", "/api/v1/pipelines", SUBMITTERS, FULL_DRAFT, 201, free=("sigma",)),
        Row("POST", "/api/v1/pipelines/validate", SUBMITTERS, FULL_DRAFT),
        Row("POST", "/api/v1/jobs", SUBMITTERS, JOB, 201),
        Row("GET", "/api/v1/jobs"),
        Row("GET", "/api/v1/jobs/statistics"),
        Row("DELETE", "/api/v1/jobs?all=true", SUBMITTERS),
        Row("POST", "/api/v1/jobs/cancel?all=true", SUBMITTERS),
        Row("POST", "/api/v1/batches", SUBMITTERS, BATCH, 201),
        Row("GET", "/api/v1/batches"),
        Row("GET", "/api/v1/me"),
        Row("GET", "/api/v1/owners", ADMINS),
        Row("POST", "/api/v1/owners", ADMINS, {"name": "new", "limits": LIMITS}, 201),
        Row("POST", "/api/v1/keys", ADMINS, KEY, 201),
        Row("GET", "/api/v1/keys", ADMINS),
        Row("GET", "/api/v1/check", ADMINS),
    ),
    {
        Outcome.MISSING: _problem(404, "not_found"),
        Outcome.NO_PATH: _problem(404, "not_found"),
        Outcome.UNREADABLE: _problem(400, "invalid"),
        Outcome.INVALID: _problem(422, "invalid"),
        Outcome.TOO_LARGE: _problem(413, "too_large"),
        Outcome.WRONG_METHOD: _problem(405, "method_not_allowed"),
        Outcome.TOO_MANY: _problem(429, "limit_reached"),
        Outcome.BROKEN: _problem(500, "internal"),
        Outcome.FORBIDDEN: _problem(403, "forbidden"),
        Outcome.NO_KEY: _problem(401, "unauthenticated"),
        Outcome.WRONG_KEY: _problem(401, "unauthenticated"),
    },
)


def _message(status: int, code: str) -> Answer:
    keys = {"message", "error", "statusCode", "requestId"}
    return Answer(
        status,
        lambda answer: set(answer.json) == keys and (answer.json["statusCode"], answer.json["error"]) == (status, code),
    )


BIODOCK = Contract(
    "biodock",
    "X-API-KEY",
    "",
    (
        Row(
            "POST",
            "/api/external/analysis-jobs",
            SUBMITTERS,
            {"pipelineId": "noop", "filesystemIds": ["{file}"], "name": "plate"},
        ),
        Row("GET", "/api/external/analysis-jobs"),
        Row("GET", "/api/external/analysis-jobs/{job}"),
        Row("POST", "/api/external/analysis-jobs/{cells_job}/download-masks", SUBMITTERS),
        Row("GET", "/api/external/analysis-jobs/{masked_job}/download-masks"),
        Row("GET", "/api/external/check"),
        Row("GET", "/api/external/filesystem-items"),
        Row("POST", "/api/external/filesystem-items/upload-file", SUBMITTERS, UPLOAD),
        Row("GET", "/api/external/pipelines"),
    ),
    {
        Outcome.MISSING: _message(404, "not_found"),
        Outcome.NO_PATH: _message(404, "not_found"),
        Outcome.UNREADABLE: _message(400, "invalid"),
        Outcome.INVALID: _message(400, "invalid"),
        Outcome.TOO_LARGE: _message(413, "too_large"),
        Outcome.WRONG_METHOD: _message(405, "method_not_allowed"),
        Outcome.TOO_MANY: _message(429, "limit_reached"),
        Outcome.BROKEN: _message(500, "internal"),
        Outcome.FORBIDDEN: _message(403, "forbidden"),
        Outcome.NO_KEY: _message(401, "unauthenticated"),
        Outcome.WRONG_KEY: _message(401, "unauthenticated"),
    },
)


def _stash(status: int) -> Answer:
    def is_said(answer: Any) -> bool:
        (message,) = answer.json["messages"]
        is_read = message["type"] in ("FIELD_ERROR", "ACTION_ERROR") and bool(message["message"])
        return set(answer.json) == STASH and answer.json["responseCode"] == status and is_read

    return Answer(status, is_said)


ARGUS = Contract(
    "argus",
    "Argus-API-Key",
    "",
    (
        Row("GET", "/authentication/v1/session"),
        Row("GET", "/sampledb/v2/job"),
        Row("POST", "/sampledb/v2/job/search", body=SEARCH, free=("startTimestamp", "endTimestamp", "customer")),
        Row("GET", "/sampledb/v2/job/{open_job}"),
        Row("PUT", "/sampledb/v2/job/{open_job}", WORKERS, {"state": "executing"}),
        Row("DELETE", "/sampledb/v2/job/{open_job}", WORKERS),
        Row("POST", "/sampledb/v2/job/{open_job}/task", ANALYZERS, {"worker": "w", "state": "enqueued"}, 201),
        Row("GET", "/sampledb/v2/job/{open_job}/tasks"),
        Row("GET", "/sampledb/v2/job/{open_job}/task/{open_task}"),
        Row("PUT", "/sampledb/v2/job/{open_job}/task/{open_task}", ANALYZERS, {"state": "executing", "message": "on"}),
        Row("POST", "/sampledb/v2/sample", SUBMITTERS, SAMPLE, 201),
        Row("GET", "/sampledb/v2/sample/{sample}"),
        Row("POST", "/sampledb/v2/sample/{sample}/submission", SUBMITTERS, SUBMISSION, 201, is_own_only=True),
        Row("PUT", "/sampledb/v2/sample/{sample}/reanalyse", SUBMITTERS, None, 201, is_own_only=True),
    ),
    {
        Outcome.MISSING: _stash(404),
        Outcome.NO_PATH: _stash(404),
        Outcome.UNREADABLE: _stash(412),
        Outcome.INVALID: _stash(412),
        Outcome.TOO_LARGE: _stash(413),
        Outcome.WRONG_METHOD: _stash(405),
        Outcome.TOO_MANY: _stash(429),
        Outcome.BROKEN: _stash(500),
        Outcome.FORBIDDEN: _stash(403),
        Outcome.NO_KEY: _stash(401),
        Outcome.WRONG_KEY: _stash(401),
    },
)


def _envelope(data: Any) -> Answer:
    return Answer(200, lambda answer: answer.json == {"status": "successful", "data": data})


def _failed(status: int, sentence: str) -> Answer:
    return Answer(
        status, lambda answer: answer.json["status"] == "failed" and sentence in answer.json["data"]["message"]
    )


def _title(status: int, title: str) -> Answer:
    return Answer(status, lambda answer: answer.json["title"] == title)


MCRIT = Contract(
    "mcrit",
    "apitoken",
    "",
    (
        Row("GET", "/jobs"),
        Row("GET", "/jobs/stats"),
        Row("GET", "/jobs/{job}", unknown=Outcome.NULL, malformed=Outcome.MALFORMED),
        Row("GET", "/jobs/{job}/result", unknown=Outcome.NULL, malformed=Outcome.MALFORMED),
        Row("DELETE", "/jobs/{job}", SUBMITTERS, unknown=Outcome.NOTHING_DELETED, malformed=Outcome.MALFORMED),
        Row("DELETE", "/jobs?method=noop", SUBMITTERS),
        Row("GET", "/results/{result}", malformed=Outcome.MALFORMED),
        Row("GET", "/results/{result}/job", malformed=Outcome.MALFORMED),
    ),
    {
        Outcome.NULL: _envelope(None),
        Outcome.NOTHING_DELETED: _envelope({"num_deleted": 0}),
        Outcome.MISSING: _failed(404, ""),
        Outcome.MALFORMED: _failed(400, "IDs are hexstrings with 24 characters."),
        Outcome.NO_PATH: _title(404, "404 Not Found"),
        Outcome.WRONG_METHOD: _title(405, "405 Method Not Allowed"),
        Outcome.TOO_MANY: _failed(429, "requests a second"),
        Outcome.BROKEN: _title(500, "500 Internal Server Error"),
        Outcome.FORBIDDEN: _failed(403, ""),
        Outcome.NO_KEY: _title(401, "API token required"),
        Outcome.WRONG_KEY: _title(401, "Authentication required"),
    },
)

KALLIMA = Contract(
    "kallima",
    "Authorization",
    "Bearer ",
    (
        Row("GET", "/jobs"),
        Row("GET", "/jobs/stats", status=422),
        Row("GET", "/jobs/{job_uuid}", malformed=Outcome.MALFORMED),
    ),
    {
        Outcome.MISSING: Answer(404, lambda answer: isinstance(answer.json["detail"], str)),
        Outcome.MALFORMED: Answer(422, lambda answer: answer.json["detail"][0]["loc"] == ["path", "job_id"]),
        Outcome.NO_PATH: Answer(404, lambda answer: answer.json == {"detail": "Not Found"}),
        Outcome.TOO_MANY: Answer(429, lambda answer: "requests a second" in answer.json["detail"]),
        Outcome.BROKEN: Answer(500, lambda answer: answer.json == {"detail": "Internal Server Error"}),
        # Without a token it is nobody's but MCRIT's.
        Outcome.NO_KEY: _title(401, "API token required"),
        Outcome.WRONG_KEY: Answer(401, lambda answer: isinstance(answer.json["detail"], str)),
    },
)


def _text(status: int, text: str) -> Answer:
    return Answer(status, lambda answer: (answer.mimetype, answer.text) == ("text/plain", text))


ET_ENGINE = Contract(
    "et-engine",
    "Authorization",
    "",
    tuple(
        row
        for base in ("", "/v1")
        for row in (
            Row("GET", f"{base}/batches"),
            Row("DELETE", f"{base}/batches", SUBMITTERS),
            Row("GET", f"{base}/batches/{{batch_uuid}}"),
            Row("DELETE", f"{base}/batches/{{batch_uuid}}", SUBMITTERS),
            Row("GET", f"{base}/batches/{{batch_uuid}}/jobs"),
            Row("GET", f"{base}/batches/{{batch_uuid}}/jobs/{{batch_job_uuid}}"),
        )
    ),
    {
        Outcome.MISSING: _text(403, "Access denied"),
        Outcome.NO_PATH: Answer(404, lambda answer: answer.mimetype == "text/plain"),
        Outcome.WRONG_METHOD: Answer(405, lambda answer: answer.mimetype == "text/plain"),
        Outcome.TOO_MANY: Answer(429, lambda answer: answer.mimetype == "text/plain"),
        Outcome.BROKEN: _text(500, "Unknown error occurred"),
        Outcome.FORBIDDEN: _text(403, "Access denied"),
        Outcome.NO_KEY: _text(401, "Missing authorization header"),
        Outcome.WRONG_KEY: _text(401, "Unknown authentication error in API key"),
    },
)

CONTRACTS = (NATIVE, BIODOCK, ARGUS, MCRIT, KALLIMA, ET_ENGINE)

OPEN = (
    Row("GET", "/"),
    Row("GET", "/v1"),
    Row("GET", "/api/docs"),
    Row("GET", "/api/v1/openapi.json"),
    Row("GET", "/health/live"),
    Row("GET", "/health/ready"),
    Row("GET", "/metrics"),
    Row("GET", "/version"),
)
"""What needs no key."""
