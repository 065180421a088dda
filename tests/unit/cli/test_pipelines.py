"""What can be run, and why a job is where it is, on the command line."""

from __future__ import annotations

import json

from tests.unit.cli.conftest import Command


def test_pipelines_are_listed_by_name_and_version(command: Command) -> None:
    done = command("pipelines")
    assert done.exit_code == 0
    names = [line.split("@")[0] for line in done.stdout.splitlines()]
    assert "noop" in names
    assert names == sorted(names)
    assert [row["name"] for row in json.loads(command("pipelines", "--json").stdout)] == names


def test_the_parameters_of_a_pipeline_are_listed_as_submit_takes_them(command: Command) -> None:
    lines = command("pipelines", "cells").stdout.splitlines()
    assert lines[0].startswith("segment: ")
    # The pipeline's own value, and not the step's.
    assert lines[1].split() == ["segment.sigma=1.0", "(>=", "0)", "Smoothing."]
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == ["segment", "measure", "tables"]


def test_a_pipeline_that_is_not_there_is_refused_with_those_that_are(command: Command) -> None:
    done = command("pipelines", "nothing")
    assert done.exit_code == 1
    assert "There is no published pipeline 'nothing'. There are: " in done.stderr


def test_a_job_is_explained_once_for_all_tasks_that_wait_for_the_same(command: Command) -> None:
    job = command.world.submit("noop", files=3)
    done = command("explain", job.id)
    assert done.exit_code == 0
    (line,) = done.stdout.splitlines()
    assert line.startswith("noop ready: ")
    assert line.endswith("(and 2 more like it)")
    assert len(json.loads(command("explain", job.id, "--json").stdout)["tasks"]) == 3
    command.world.finish()
    assert command("explain", job.id).stdout == "The job is succeeded; nothing of it is unfinished.\n"
