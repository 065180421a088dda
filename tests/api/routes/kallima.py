"""The routes and refusals of Kallima."""

from __future__ import annotations

from tests.api.routes.contract import Answer, Contract, Outcome, Row, title

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
        Outcome.NO_KEY: title(401, "API token required"),
        Outcome.WRONG_KEY: Answer(401, lambda answer: isinstance(answer.json["detail"], str)),
    },
)
