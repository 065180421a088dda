"""The page that describes the API to people."""

from __future__ import annotations

from tests.api.conftest import MakeClient


def test_the_page_of_the_api_needs_no_internet(make_client: MakeClient) -> None:
    page = make_client(None).get("/api/docs")
    assert page.status_code == 200
    assert "http://" not in page.text.replace("http://127.0.0.1", "")
    assert "https://" not in page.text
    assert "<script" not in page.text
    assert "/api/v1/jobs/{job_id}/explain" in page.text


def test_the_page_of_the_api_says_what_a_body_must_have_and_sets_words_of_the_api_as_code(
    make_client: MakeClient,
) -> None:
    text = make_client(None).get("/api/docs").text
    assert "Body, application/json; required: <code>pipeline</code>" in text
    assert "parts named <code>files</code>" in text
    assert "`" not in text


def test_the_page_of_the_api_says_how_a_criterion_is_written(make_client: MakeClient) -> None:
    text = make_client(None).get("/api/docs").text
    (listing,) = (part for part in text.split("<article")[1:] if part.startswith(' id="GET/api/v1/jobs"'))
    assert "one or several: pending, running, succeeded, failed, canceled" in listing
    assert "A label as <code>name=value</code>." in listing
    assert "A time like <code>2024-01-31</code>" in listing
    assert "created_at, started_at, finished_at, name, priority  (default created_at)" in listing


def test_the_page_of_the_api_does_not_call_a_redirection_an_error(make_client: MakeClient) -> None:
    text = make_client(None).get("/api/docs").text
    assert "Without a body: 302, 304" in text
    assert "Errors: 3" not in text
