"""Answers that were given already: a key names all that an answer depends on, so the same key is the same answer."""

from collections import OrderedDict

from fastapi import Request

_MOST_ANSWERS = 512
_LARGEST_ANSWER = 200_000  # bytes


class Memory:
    """The newest answers of one process by programme and key. A change in the programme makes another key; nothing expires."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def recall(self, programme: str, key: str) -> bytes | None:
        """The answer that was given under this key, if it is still known."""
        return self._answers.get((programme, key))

    def keep(self, programme: str, key: str, answer: bytes) -> None:
        """Remember an answer, and forget the oldest one when there are too many. Large ones are not worth the room."""
        if len(answer) <= _LARGEST_ANSWER:
            self._answers[programme, key] = answer
            if len(self._answers) > _MOST_ANSWERS:
                self._answers.popitem(last=False)


def memory_of(request: Request) -> Memory:
    """The memory of the process that answers a request."""
    memory: Memory = request.app.state.memory
    return memory
