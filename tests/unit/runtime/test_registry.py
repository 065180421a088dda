"""Steps are collected from modules; a module that cannot be used is reported by its name and stops nothing else."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from jobengine.runtime import load_steps
from jobengine.runtime.registry import Registry

GOOD = """
from jobengine.runtime import Node, pipeline, step

@step("{name}.run", version="1", scope="file", result_kind="{name}")
def run(context):
    return {{}}

PIPELINE = pipeline("{name}", version=1, nodes=[Node("run", "{name}.run")], title={title!r})
"""

WriteModule = Callable[[str, str], str]


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteModule:
    """Writes a module that can be imported until the test ends."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        # Taken note of, so that the end of the test takes the module away.
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        del sys.modules[name]
        return name

    return write


def good(name: str, title: str = "") -> str:
    """The text of a module with one step and one pipeline."""
    return GOOD.format(name=name, title=title)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("raise ValueError('no licence')\n", "ValueError: no licence"),
        ("def broken(:\n", "SyntaxError"),
    ],
)
def test_a_module_that_fails_is_named_and_the_others_load(write_module: WriteModule, text: str, reason: str) -> None:
    names = [write_module("first", good("first")), write_module("broken", text), write_module("last", good("last"))]
    registry = load_steps(names)
    assert list(registry.failures) == ["broken"]
    assert reason in registry.reason_of("broken")
    assert {"first.run", "last.run"} <= set(registry.steps)
    assert {("first", 1), ("last", 1)} <= set(registry.pipelines)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ("time_limit_seconds=float('inf')", "time_limit_seconds of the step 'odd.run' is inf"),
        ("time_limit_seconds=0", "leaves no time to run"),
        ("memory_limit_bytes=2e9", "memory_limit_bytes of the step 'odd.run' is 2000000000.0"),
        ("tasks_per_delivery=10.0", "tasks_per_delivery of the step 'odd.run' is 10.0"),
        ("retry=RetryPolicy(delay_seconds=float('nan'))", "delay_seconds of the step 'odd.run' is nan"),
        ("resources={'gpu': {1, 2}}", "the step 'odd.run' cannot be announced as JSON"),
    ],
)
def test_a_declaration_that_cannot_be_kept_or_announced_is_refused(
    write_module: WriteModule, declared: str, reason: str
) -> None:
    text = good("odd").replace('scope="file"', f'scope="file", {declared}').replace("Node,", "Node, RetryPolicy,")
    registry = load_steps([write_module("odd", text), write_module("first", good("first"))])
    assert reason in registry.reason_of("odd")
    assert "first.run" in registry.steps


def test_a_pipeline_with_parameters_that_are_no_json_is_refused(write_module: WriteModule) -> None:
    text = good("odd").replace('Node("run", "odd.run")', 'Node("run", "odd.run", parameters={"sigma": float("nan")})')
    registry = load_steps([write_module("odd", text)])
    assert "the pipeline 'odd' cannot be announced as JSON" in registry.reason_of("odd")


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        (good("first").replace('pipeline("first"', 'pipeline("other"'), "the step 'first.run' is defined twice"),
        (
            good("first", "Else").replace('"first.run"', '"else.run"'),
            "the pipeline 'first', version 1, is defined twice",
        ),
    ],
)
def test_nothing_is_taken_of_a_module_that_is_refused(write_module: WriteModule, taken: str, said: str) -> None:
    before = load_steps([write_module("first", good("first"))])
    second = write_module("second", f"{good('second')}\n{taken}")
    registry = load_steps(["first", second])
    assert said in registry.reason_of(second)
    assert (registry.steps, registry.pipelines) == (before.steps, before.pipelines)


def test_names_that_another_module_imports_are_the_same_step(write_module: WriteModule) -> None:
    write_module("first", good("first"))
    registry = load_steps([write_module("again", "from first import PIPELINE, run as other_name\n"), "first"])
    assert not registry.failures
    assert "first.run" in registry.steps


def test_an_interruption_is_passed_on(write_module: WriteModule) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_steps([write_module("interrupted", "raise KeyboardInterrupt\n")])


def test_queues_are_those_of_the_steps(write_module: WriteModule) -> None:
    text = good("first").replace('result_kind="first"', 'result_kind="first", queue="gpu"')
    registry = Registry()
    registry.collect(importlib.import_module(write_module("first", text)))
    assert registry.queues() == ["gpu"]
