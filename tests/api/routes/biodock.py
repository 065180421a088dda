"""The routes and refusals of Biodock."""

from __future__ import annotations

from tests.api.routes.contract import SUBMITTERS, UPLOAD, Answer, Contract, Outcome, Row


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
