"""What can be run: the published pipelines, and the parameters of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from jobengine.cli.client import ApiClient, connect
from jobengine.cli.options import as_json, printable


@click.command()
@click.argument("pipeline", required=False)
@as_json
def pipelines(pipeline: str | None, is_json: bool) -> None:
    """List the pipelines that can be run, or the parameters of one PIPELINE with their defaults."""
    api = connect()
    if pipeline is None:
        found = usable_pipelines(api)
        lines = [f"{row['name'] + '@' + str(row['version']):<20}  {row['title']}" for row in found]
        _print(lines, found if is_json else None)
    else:
        meant = find_pipeline(api, pipeline)
        steps = {step["name"]: step for step in api.all("steps")}
        lines = [line for node in meant["nodes"] for line in _describe(node, steps.get(node["step"]))]
        _print(lines, meant if is_json else None)


def usable_pipelines(api: ApiClient) -> list[dict[str, Any]]:
    """The published pipelines that are the caller's own or everybody's, by name, the newest version first."""
    own = api.call("GET", "me")["owner"]["id"]
    usable = [row for row in api.all("pipelines") if row["state"] == "published" and row["owner"] in (own, None)]
    return sorted(usable, key=lambda row: (row["name"], row["owner"] is None, -row["version"]))


def find_pipeline(api: ApiClient, wanted: str) -> dict[str, Any]:
    """A published pipeline by its ID, name or ``name@version``; an own one hides one of another origin.

    Raises ClickException that names those that there are.
    """
    usable = usable_pipelines(api)
    name, _, version = wanted.partition("@")
    for row in usable:
        if row["id"] == wanted or (row["name"] == name and version in ("", str(row["version"]))):
            return row
    choices = ", ".join(dict.fromkeys(row["name"] for row in usable)) or "none"
    raise click.ClickException(f"There is no published pipeline {wanted!r}. There are: {choices}.")


def _describe(node: Mapping[str, Any], step: Mapping[str, Any] | None) -> Iterator[str]:
    yield f"{node['key']}: {step['title'] if step else node['step']}"
    for name, schema in (step["parameters_schema"].get("properties", {}) if step else {}).items():
        default = node["parameters"].get(name, schema.get("default"))
        about = f"{node['key']}.{name}={json.dumps(default)}"
        yield f"  {about:<36}  {_kind(schema)}{schema.get('description', '')}".rstrip()


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"({', '.join(json.dumps(word) for word in schema['enum'])})  "
    bounds = [f"{sign} {schema[name]}" for sign, name in ((">=", "minimum"), ("<=", "maximum")) if name in schema]
    return f"({', '.join(bounds)})  " if bounds else ""


def _print(lines: list[str], document: Any) -> None:
    if document is not None:
        click.echo(json.dumps(document))
        return
    for line in lines:
        click.echo(printable(line))
