"""Parameters on the command line."""

from __future__ import annotations

import json

import click
import httpx
import pytest

from jobengine.cli.client import ApiClient
from jobengine.cli.parameters import parse_parameters

OWN, OTHER = "a" * 24, "b" * 24


def pipeline(digit: str, version: int, owner: str | None, state: str = "published", **nodes: str) -> dict[str, object]:
    """A pipeline named nuclei as the API lists it, with the steps of its nodes."""
    listed = [{"key": key, "step": step, "from_parent": [], "parameters": {}} for key, step in nodes.items()]
    return {
        "id": digit * 24,
        "name": "nuclei",
        "version": version,
        "state": state,
        "owner": owner,
        "nodes": listed,
    }


PIPELINES = {
    "items": [
        pipeline("1", 3, OWN, "retired"),
        pipeline("2", 2, OWN, segment="image.segment", measure="image.measure", judge="nobody.announced"),
        pipeline("3", 1, OWN, older="image.segment"),
        pipeline("4", 4, None, builtin="image.segment"),
        pipeline("5", 5, OTHER, foreign="image.segment"),
    ],
    "next_cursor": None,
}


def step(name: str, **properties: object) -> dict[str, object]:
    """A step as the API lists it."""
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"name": name, "version": "1", "scope": "file", "result_kind": "x", "parameters_schema": schema}


STEPS = {
    "items": [
        step("image.segment", sigma={"type": "number"}, channel={}, method={"type": "string"}, split={}),
        step("image.measure", pixel_size={"type": "number"}, channel={}, sizes={"type": "array"}),
    ]
}


def api() -> ApiClient:
    def answer(request: httpx.Request) -> httpx.Response:
        bodies = {"/api/v1/pipelines": PIPELINES, "/api/v1/steps": STEPS, "/api/v1/me": {"owner": {"id": OWN}}}
        return httpx.Response(200, text=json.dumps(bodies[request.url.path]))

    return ApiClient("http://engine", "je_key", httpx.MockTransport(answer))


def test_a_value_is_json_where_it_is_json_and_text_elsewhere() -> None:
    words = ["segment.sigma=1.5", "segment.method=otsu", "segment.split=false", "measure.sizes=[1, 2]", "judge.b=c=d"]
    assert parse_parameters(api(), "nuclei", words) == {
        "segment": {"sigma": 1.5, "method": "otsu", "split": False},
        "measure": {"sizes": [1, 2]},
        "judge": {"b": "c=d"},
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
    assert parse_parameters(api(), "nuclei", ["segment.method=NaN"]) == {"segment": {"method": "NaN"}}


@pytest.mark.parametrize(
    ("wanted", "node"),
    [("nuclei", "segment"), ("nuclei@1", "older"), ("3" * 24, "older"), ("nuclei@4", "builtin"), ("4" * 24, "builtin")],
)
def test_the_pipeline_is_the_one_that_the_api_will_take(wanted: str, node: str) -> None:
    assert parse_parameters(api(), wanted, [f"{node}.sigma=1"]) == {node: {"sigma": 1}}


@pytest.mark.parametrize("name", ["nucleus", "nuclei@3", "1" * 24, "5" * 24])
def test_a_pipeline_that_takes_no_jobs_is_named_with_those_that_do(name: str) -> None:
    with pytest.raises(click.ClickException, match=rf"no published pipeline '{name}'\. There are: nuclei\."):
        parse_parameters(api(), name, [])
