"""Parameters on the command line."""

from __future__ import annotations

import json

import click
import httpx
import pytest

from jobengine.cli.client import ApiClient
from jobengine.cli.parameters import parse_parameters

PIPELINES = {
    "items": [
        {"id": "1" * 24, "name": "nuclei", "version": 1, "state": "retired", "nodes": [{"key": "old", "step": "old"}]},
        {
            "id": "2" * 24,
            "name": "nuclei",
            "version": 2,
            "state": "published",
            "nodes": [{"key": "segment", "step": "image.segment"}, {"key": "measure", "step": "image.measure"}],
        },
    ],
    "next_cursor": None,
}
STEPS = {
    "items": [
        {"name": "image.segment", "parameters_schema": {"properties": {"sigma": {}, "channel": {}}}},
        {"name": "image.measure", "parameters_schema": {"properties": {"pixel_size": {}, "channel": {}}}},
    ]
}


def api() -> ApiClient:
    def answer(request: httpx.Request) -> httpx.Response:
        bodies = {"/api/v1/pipelines": PIPELINES, "/api/v1/steps": STEPS}
        return httpx.Response(200, text=json.dumps(bodies[request.url.path]))

    return ApiClient("http://engine", "je_key", httpx.MockTransport(answer))


def test_a_value_is_json_where_it_is_json_and_text_elsewhere() -> None:
    words = ["segment.sigma=1.5", "segment.method=otsu", "segment.split=false", "measure.sizes=[1, 2]", "a.b=c=d"]
    assert parse_parameters(api(), "nuclei", words) == {
        "segment": {"sigma": 1.5, "method": "otsu", "split": False},
        "measure": {"sizes": [1, 2]},
        "a": {"b": "c=d"},
    }


def test_a_parameter_that_one_step_has_needs_no_step() -> None:
    assert parse_parameters(api(), "nuclei", ["sigma=2"]) == {"segment": {"sigma": 2}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sigma"], "is not NAME=VALUE"),
        (["=1"], "is not NAME=VALUE"),
        (["segment.=1"], "is not NAME=VALUE"),
        (["channel=1"], "could be segment.channel or measure.channel"),
        (["blur=1"], "No step of the pipeline has a parameter 'blur'"),
        (["sigma=1", "segment.sigma=2"], "segment.sigma is given twice"),
    ],
)
def test_a_word_that_cannot_be_used_is_refused_with_a_reason(words: list[str], said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        parse_parameters(api(), "nuclei", words)


def test_a_number_that_json_does_not_know_stays_text() -> None:
    assert parse_parameters(api(), "nuclei", ["segment.sigma=NaN"]) == {"segment": {"sigma": "NaN"}}


def test_an_unknown_pipeline_is_named() -> None:
    with pytest.raises(click.ClickException, match="no published pipeline 'nucleus'"):
        parse_parameters(api(), "nucleus", ["sigma=1"])
