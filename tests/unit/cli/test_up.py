"""What ``up`` refuses, and the processes that it writes configurations for."""

from __future__ import annotations

import socket
from configparser import RawConfigParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobengine.cli import commands
from jobengine.cli.embedded import Layout, supervisor_configuration


def test_a_busy_port_is_named_and_leaves_no_folder(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        done = CliRunner().invoke(commands, ["up", "--port", str(port), "--data", str(tmp_path / "data")])
    assert done.exit_code == 1
    assert f"The port {port} is in use; name another one with --port." in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flower_port", [None, 5555])
def test_every_process_is_in_the_group_with_which_it_stops(tmp_path: Path, flower_port: int | None) -> None:
    layout = Layout(tmp_path, 8080, 6379, flower_port, 2, "secret")
    parser = RawConfigParser()
    parser.read_string(supervisor_configuration(layout))
    groups = [name for name in parser.sections() if name.startswith("group:")]
    groups.sort(key=lambda name: parser.getint(name, "priority"))
    members = [parser.get(name, "programs").split(",") for name in groups]
    assert members == [["redis"], ["web", "engine"], ["worker", "flower"] if flower_port else ["worker"]]
    programs = {name.partition(":")[2] for name in parser.sections() if name.startswith("program:")}
    assert programs == {name for group in members for name in group}
