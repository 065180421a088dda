"""The routes and refusals of Argus SampleDB."""

from __future__ import annotations

from typing import Any

from tests.api.routes.contract import ANALYZERS, SAMPLE, SUBMITTERS, WORKERS, Answer, Contract, Outcome, Row

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
