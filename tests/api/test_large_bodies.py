"""Large bodies with one thing wrong in them are refused about as soon as sound ones are read."""

from __future__ import annotations

import json
import time

from tests.api.conftest import MakeClient

MANY = 100_000
# Sound ones take a part of a second; where each name was compared with all others it was minutes.
LONGEST_SECONDS = 10.0


def test_a_name_that_comes_twice_among_many_is_found_at_once(make_client: MakeClient) -> None:
    client = make_client()
    body = f"{{{','.join(f'{json.dumps(str(number))}:0' for number in range(MANY))},{json.dumps(str(MANY - 1))}:0}}"
    began_at = time.process_time()
    answer = client.post("/api/v1/jobs", data=body, content_type="application/json")
    assert time.process_time() - began_at < LONGEST_SECONDS
    assert (answer.status_code, f"{MANY - 1!r}" in answer.json["detail"]) == (400, True)


def test_a_file_that_is_named_twice_among_many_is_found_at_once(make_client: MakeClient) -> None:
    client = make_client()
    files = [f"{number:024x}" for number in range(MANY - 1)]
    began_at = time.process_time()
    answer = client.post("/api/v1/jobs", json={"pipeline": "noop", "files": [*files, files[-1]]})
    assert time.process_time() - began_at < LONGEST_SECONDS
    assert (answer.status_code, answer.json["field"]) == (422, "files")
