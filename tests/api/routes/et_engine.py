"""The routes and refusals of ET Engine."""

from __future__ import annotations

from tests.api.routes.contract import SUBMITTERS, Answer, Contract, Outcome, Row


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
