"""What travels between engine and workers is read back as it was, or refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobengine.domain.announcements import Announcement, PipelineSpec, decode_announcement, encode_announcement
from jobengine.domain.records import Node, RetryPolicy, Scope, StepSpec
from jobengine.domain.reports import (
    Delivery,
    DeliveryFile,
    DeliveryPredecessor,
    DeliveryTask,
    Report,
    ReportKind,
    SavedArtifact,
    decode_delivery,
    decode_manifest,
    decode_reports,
    encode_delivery,
    encode_manifest,
    encode_reports,
)

FILE = DeliveryFile("f", "cells.png", "image/png", 12, "a" * 64)
BEFORE = DeliveryPredecessor("segment", "r", {"objects": 3}, FILE, (SavedArtifact("m", "image/tiff", 4, "b" * 64),))
DELIVERY = Delivery(
    "d", "measure", "1.0", "default", 5, 60.0, None, (DeliveryTask("t", 2, "j", {"a": 1}, (FILE,), (BEFORE,)),)
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=3), st.floats(0, 4e9), st.integers(0, 99))
def test_reports_are_read_back_as_they_were(body: dict[str, object], at: float, attempt: int) -> None:
    reports = [
        Report(ReportKind.SUCCEEDED, "w", at, "d", "t", attempt, body),
        Report(ReportKind.RENEWED, "w", at, "d"),
    ]
    assert decode_reports(encode_reports(reports)) == reports


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}x",
        '[["started"]]',
        '[["flown", "w", 1, null, null, 0, {}]]',
        '[["started", 3, 1, null, null, 0, {}]]',
        '[["started", "w", 1, null, null, 0, []]]',
        '[["failed", "w", 1, null, "t", 1, {"kind": "mood"}]]',
        '[["failed", "w", 1, null, "t", 1, {}]]',
        f'[["started", "w", 1{"0" * 400}, null, "t", 1, {{}}]]',
        "[" * 100_000,
    ],
    ids=lambda text: text[:60],
)
def test_what_is_not_a_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_reports(text)


def test_deliveries_and_manifests_are_read_back_as_they_were() -> None:
    assert decode_delivery(json.loads(json.dumps(encode_delivery(DELIVERY)))) == DELIVERY
    assert decode_manifest(encode_manifest([FILE], [BEFORE])) == ((FILE,), (BEFORE,))


@pytest.mark.parametrize("data", [{}, {"id": "d"}, {**encode_delivery(DELIVERY), "more": 1}])
def test_what_is_not_a_delivery_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a delivery"):
        decode_delivery(data)


def test_announcements_are_read_back_as_they_were() -> None:
    step = StepSpec("s", "1", Scope.FILE, "k", {"type": "object"}, accepts=("image/png",), retry=RetryPolicy(5))
    pipeline = PipelineSpec("p", 2, (Node("n", "s", from_parent=("m",)), Node("o", "s", after=("n",))))
    announcement = Announcement("host", 4, ("default",), (step,), (pipeline,), {"cpus": 8})
    assert decode_announcement(json.loads(json.dumps(encode_announcement(announcement)))) == announcement


@pytest.mark.parametrize("body", [{}, {"hostname": "h", "slots": 1, "queues": [], "steps": [{"name": "s"}]}])
def test_what_is_not_an_announcement_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not an announcement"):
        decode_announcement(body)
