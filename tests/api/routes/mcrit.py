"""The routes and refusals of MCRIT."""

from __future__ import annotations

from typing import Any

from tests.api.routes.contract import SUBMITTERS, Answer, Contract, Outcome, Row, title


def _envelope(data: Any) -> Answer:
    return Answer(200, lambda answer: answer.json == {"status": "successful", "data": data})


def _failed(status: int, sentence: str) -> Answer:
    return Answer(
        status, lambda answer: answer.json["status"] == "failed" and sentence in answer.json["data"]["message"]
    )


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
        Outcome.NO_PATH: title(404, "404 Not Found"),
        Outcome.WRONG_METHOD: title(405, "405 Method Not Allowed"),
        Outcome.TOO_MANY: _failed(429, "requests a second"),
        Outcome.BROKEN: title(500, "500 Internal Server Error"),
        Outcome.FORBIDDEN: _failed(403, ""),
        Outcome.NO_KEY: title(401, "API token required"),
        Outcome.WRONG_KEY: title(401, "Authentication required"),
    },
)
