"""The routes and refusals of the native API."""

from __future__ import annotations

from tests.api.routes.contract import ADMINS, ANALYZERS, SUBMITTERS, UPLOAD, Answer, Contract, Outcome, Row

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
