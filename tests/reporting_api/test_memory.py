"""Answers that were given already."""

from reporting_api.metrics import memory
from reporting_api.metrics.memory import Memory


def test_an_answer_is_recalled_for_its_programme_and_etag_alone() -> None:
    """Another programme or another state of it is another question."""
    answers = Memory()
    answers.keep("emea", '"1"', b"{}")

    assert answers.recall("emea", '"1"') == b"{}"
    assert answers.recall("emea", '"2"') is None
    assert answers.recall("apac", '"1"') is None


def test_the_memory_is_bounded() -> None:
    """The oldest answers make room, and a large one is not kept."""
    answers = Memory()
    for number in range(memory._MOST_ANSWERS + 1):
        answers.keep("emea", str(number), b"{}")
    answers.keep("emea", "large", b"x" * (memory._LARGEST_ANSWER + 1))

    assert answers.recall("emea", "0") is None
    assert answers.recall("emea", "1") == b"{}"
    assert answers.recall("emea", "large") is None
