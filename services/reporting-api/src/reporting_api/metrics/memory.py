"""Answers that were given already: a strong ETag names all that an answer depends on, so the same ETag is the same answer."""

from collections import OrderedDict

from fastapi import Request

_MOST_ANSWERS = 512
_LARGEST_ANSWER = 200_000  # bytes


class Memory:
    """The newest answers of one process by programme and ETag. A change in the programme makes another ETag; nothing expires."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def recall(self, programme: str, etag: str) -> bytes | None:
        """The answer that was given under this ETag, if it is still known."""
        return self._answers.get((programme, etag))

    def keep(self, programme: str, etag: str, answer: bytes) -> None:
        """Remember an answer, and forget the oldest one when there are too many. Large ones are not worth the room."""
        if len(answer) <= _LARGEST_ANSWER:
            self._answers[programme, etag] = answer
            if len(self._answers) > _MOST_ANSWERS:
                self._answers.popitem(last=False)


def memory_of(request: Request) -> Memory:
    """The memory of the process that answers a request."""
    memory: Memory = request.app.state.memory
    return memory
