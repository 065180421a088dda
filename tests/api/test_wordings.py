"""Every dialect's wording table covers our states, and each of its words leads back."""

from __future__ import annotations

from api.dialects.argus import wording as argus
from api.dialects.biodock import wording as biodock
from api.dialects.et_engine import wording as et_engine
from api.dialects.kallima import wording as kallima
from api.dialects.mcrit import wording as mcrit
from jobengine.domain.states import JobState, TaskState


def test_biodock_words_lead_to_our_states_and_back() -> None:
    for words in (biodock.STATUSES, biodock.MASKS_STATUSES):
        assert set(words) == set(JobState)
        assert {biodock.STATES[word]: word for word in words.values()} == words


def test_mcrit_words_of_the_page_and_of_the_real_system_lead_back() -> None:
    for words in (mcrit.STATES, mcrit.PAGE_STATES):
        assert set(words) == set(JobState)
        assert {mcrit.MEANINGS[word]: word for word in words.values()} == words


def test_kallima_words_lead_to_our_states_and_back() -> None:
    assert set(kallima.STATUSES) == set(JobState)
    assert {kallima.STATES[word]: word for word in kallima.STATUSES.values()} == kallima.STATUSES


def test_argus_words_lead_back_to_states_that_have_them() -> None:
    assert set(argus.JOB_WORDS) == set(JobState)
    for word, states in argus.JOB_STATES.items():
        assert all(argus.JOB_WORDS[state] == word for state in states) or word == "timeout"
    assert {state for states in argus.JOB_STATES.values() for state in states} == set(JobState)
    assert set(argus.TASK_WORDS) == set(TaskState)
    assert all(argus.TASK_WORDS[state] == word for word, state in argus.TASK_STATES.items())


def test_et_engine_has_its_seven_counters_and_each_means_a_state() -> None:
    assert set(et_engine.STATES) == set(et_engine.COUNTERS)
    assert set(et_engine.STARTED_COUNTERS) | {JobState.PENDING} == set(JobState)
    for state, word in et_engine.STARTED_COUNTERS.items():
        assert et_engine.STATES[word] is state or state is JobState.CANCELED
