"""What may be wrong with what people say of their own protection."""

from tallystick.service.problems import Problem


class OptOutRefused(Problem):
    """An opt-out of a policy that the programme does not know; `errors` name it."""

    status, title = 422, "The programme knows no such policy"
