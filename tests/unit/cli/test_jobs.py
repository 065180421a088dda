"""Submitting from the command line: what is wrong is said before anything is sent, and waiting can be left."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from jobengine.cli import commands
from tests.unit.cli.conftest import Clock, Command


def write(path: Path, text: str) -> str:
    """A file with this text; its path."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("pipeline", "words", "said"),
    [
        ("cels", [], "There is no published pipeline 'cels'. There are: cells, external, masks, noop, strict."),
        ("cells@7", [], "There is no published pipeline 'cells@7'."),
        ("cells", ["segment.sigm=1"], "segment.sigm: There is no parameter 'sigm'; there are: sigma."),
        ("cells", ["sigm=1"], "No step of the pipeline has a parameter 'sigm'. There are: segment.sigma."),
        ("cells", ["segmnt.sigma=1"], "The pipeline has no step 'segmnt'; it has measure, segment, tables."),
        ("cells", ["segment.sigma=wide"], "segment.sigma: 'wide' is not of type 'number'."),
        ("cells", ["segment.sigma=-1"], "segment.sigma: -1 is less than the minimum of 0."),
        ("cells", ["measure.sigma=1"], "measure: The step 'test.measure' takes no parameters."),
    ],
)
def test_a_typo_uploads_nothing(command: Command, tmp_path: Path, pipeline: str, words: list[str], said: str) -> None:
    options = [option for word in words for option in ("--param", word)]
    done = command("submit", pipeline, write(tmp_path / "a.png", "a"), *options)
    assert done.exit_code != 0
    assert said in done.stderr
    assert command.asked() == []


def test_a_pipeline_on_an_earlier_job_uploads_nothing_without_it(command: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", "a")
    done = command("submit", "masks", path)
    assert done.exit_code == 2
    assert "The pipeline 'masks' works on an earlier job; name that one by --parent." in done.stderr
    done = command("submit", "masks", path, "--parent", "a" * 24)
    assert done.exit_code == 1
    assert f"There is no job with the ID '{'a' * 24}'." in done.stderr
    assert command.asked() == []


def test_jobs_are_found_by_their_labels(command: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", "a")
    words = ("--label", "plate=7", "--label", "note=a=b")
    job = json.loads(command("submit", "cells", path, *words, "--json").stdout)
    command("submit", "cells", path)
    assert job["labels"] == {"plate": "7", "note": "a=b"}
    assert [one["id"] for one in json.loads(command("jobs", "--label", "plate=7", "--json").stdout)] == [job["id"]]
    none = command("jobs", "--label", "plate=8")
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "There are no such jobs.\n")


@pytest.mark.parametrize(("words", "said"), [(["plate"], "'plate' is not NAME=VALUE"), (["a=1", "a=2"], "given twice")])
def test_a_label_that_is_none_uploads_nothing(command: Command, tmp_path: Path, words: list[str], said: str) -> None:
    options = [option for word in words for option in ("--label", word)]
    done = command("submit", "cells", write(tmp_path / "a.png", "a"), *options)
    assert (done.exit_code, said in done.stderr, command.asked()) == (2, True, [])


def test_a_list_without_jobs_says_so(command: Command) -> None:
    assert command("jobs").stderr == "There are no jobs yet.\n"
    assert command("jobs", "--json").output == "[]\n"


def test_two_files_that_are_the_same_are_named_before_anything_is_uploaded(command: Command, tmp_path: Path) -> None:
    first, second = write(tmp_path / "a" / "x.png", "same"), write(tmp_path / "b" / "x.png", "same")
    done = command("submit", "cells", first, write(tmp_path / "y.png", "same"), second)
    assert done.exit_code == 1
    assert f"{first} and {second} are one file" in done.stderr
    assert command.asked() == []


def test_files_with_one_name_and_other_bytes_are_two(command: Command, tmp_path: Path) -> None:
    paths = [write(tmp_path / "a" / "x.png", "one"), write(tmp_path / "b" / "x.png", "two")]
    done = command("submit", "cells", *paths, "--param", "sigma=2", "--json")
    job = json.loads(done.stdout)
    assert (done.exit_code, len(job["files"]), job["parameters"]) == (0, 2, {"segment": {"sigma": 2}})


def test_leaving_a_job_that_is_waited_for_says_that_it_goes_on(command: Command, tmp_path: Path) -> None:
    def leave(request: httpx.Request) -> None:
        if request.method == "GET" and "/jobs/" in request.url.path:
            raise KeyboardInterrupt

    command.wire.on_request = leave
    done = command("submit", "cells", write(tmp_path / "a.png", "a"), "--wait")
    job_id = done.stdout.split()[1]
    assert done.exit_code == 130
    assert f"goes on. `jobengine show {job_id} --wait` waits again, `jobengine cancel {job_id}` ends it." in done.stderr
    assert "Aborted" not in done.output
    assert command.world.job(job_id).finished_at is None


def test_a_job_can_be_waited_for_later(command: Command, tmp_path: Path) -> None:
    submitted = json.loads(command("submit", "noop", write(tmp_path / "a.png", "a"), "--json").stdout)
    command.wire.on_request = lambda request: command.world.finish() and None
    done = command("show", submitted["id"], "--wait")
    assert (done.exit_code, done.stdout.split()[2]) == (0, "succeeded")


def test_a_job_that_failed_says_so_by_its_exit_code_when_it_is_waited_for(command: Command, tmp_path: Path) -> None:
    submitted = json.loads(command("submit", "noop", write(tmp_path / "a.png", "a"), "--json").stdout)
    command.world.finish(lambda delivery, task: {"kind": "step", "message": "No cells."})
    assert command("show", submitted["id"]).exit_code == 0
    done = command("show", submitted["id"], "--wait")
    assert done.exit_code == 1
    assert "failed: noop of a.png (step): No cells." in done.stdout


def refuse(request: httpx.Request) -> None:
    """Nobody listens."""
    raise httpx.ConnectError("refused")


def test_an_api_that_was_never_reached_is_not_waited_for(command: Command, clock: Clock) -> None:
    command.wire.on_request = refuse
    done = command("show", "a" * 24, "--wait")
    assert done.exit_code == 1
    assert "Error: http://engine cannot be reached: refused. Is it up, and is JOBENGINE_URL right?" in done.stderr
    assert (clock.now, len(command.wire.asked)) == (0.0, 1)


def test_an_api_that_goes_away_while_a_job_is_waited_for_may_come_back(
    command: Command, clock: Clock, tmp_path: Path
) -> None:
    submitted = json.loads(command("submit", "noop", write(tmp_path / "a.png", "a"), "--json").stdout)
    command.world.finish()
    number = count()
    command.wire.on_request = lambda request: refuse(request) if 0 < next(number) < 5 else None
    done = command("show", submitted["id"], "--wait")
    assert (done.exit_code, done.stdout.split()[2]) == (0, "succeeded")
    assert done.stderr.count("http://engine cannot be reached: refused.") == 1
    assert "Trying again for 120 s." in done.stderr


def test_an_api_that_stays_away_is_given_up(command: Command, clock: Clock, tmp_path: Path) -> None:
    submitted = json.loads(command("submit", "noop", write(tmp_path / "a.png", "a"), "--json").stdout)
    number = count()
    command.wire.on_request = lambda request: refuse(request) if next(number) else None
    done = command("show", submitted["id"], "--wait")
    assert done.exit_code == 1
    assert 120 < clock.now < 125


def test_an_answer_that_is_lost_while_a_job_is_submitted_makes_no_second_job(
    command: Command, clock: Clock, tmp_path: Path
) -> None:
    lost: list[str] = []
    answer = command.wire.inner.handle_request

    class Losing(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            done = answer(request)
            if request.method == "POST" and lost.count(request.url.path) < 2:
                lost.append(request.url.path)
                raise httpx.RemoteProtocolError("The answer was lost.")
            return done

    command.wire.inner = Losing()
    done = command("submit", "noop", write(tmp_path / "a.png", "a"), "--json")
    assert lost == ["/api/v1/files"] * 2 + ["/api/v1/jobs"] * 2
    assert (done.exit_code, len(json.loads(done.stdout)["files"])) == (0, 1)
    assert len(json.loads(command("jobs", "--json").stdout)) == 1


def test_nothing_that_others_named_moves_the_terminal(command: Command) -> None:
    job = command.world.submit("noop", name="a\x1b]0;title\x07\r\nb \u202ec Ä")
    command.world.finish(lambda delivery, task: {"kind": "step", "message": "no\x1b[2J"})
    for words in (("jobs",), ("show", job.id)):
        # As on a terminal, where nothing is left out.
        printed = CliRunner().invoke(commands, words, color=True).output
        assert r"a\x1b]0;title\x07\r\nb \u202ec Ä" in printed
        assert all(line.isprintable() for line in printed.splitlines())
