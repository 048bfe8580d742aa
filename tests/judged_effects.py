"""A stand-in for reporting-api that has counted everything, and judges every effect as it is told to."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import FastAPI, Query, Response

from tallystick.schemas.effect import Effect, EffectPlan, EffectVerdict
from tallystick.schemas.metric import Difference, Number, Period, Projection, ProjectionList, Scope, View

_NUMBER = Number(value=0.1, numerator=10, denominator=100, interval=None, sufficient=True)


def judging(says: Callable[[], EffectVerdict | None]) -> FastAPI:
    """Answers for all effects what `says` says; None: it is still to count."""
    app = FastAPI()

    @app.get("/v1/projections")
    async def read_projections(programme: str) -> Response:
        now = datetime.now(UTC)
        behind = {"lag_s": 0.0, "caught_up_at": now} if says() else {"lag_s": 1.0, "caught_up_at": None}
        standing = Projection(programme=programme, epoch=None, position=1, applied_at=now, checked_at=now, work=None, **behind)
        return Response(ProjectionList(items=(standing,)).model_dump_json())

    @app.get("/v1/effect")
    async def read_effect(
        programme: str,
        baseline_from: Annotated[date, Query()],
        baseline_to: Annotated[date, Query()],
        verification_from: Annotated[date, Query()],
        verification_to: Annotated[date, Query()],
    ) -> Response:
        plan = EffectPlan(
            baseline=Period(from_=baseline_from, to=baseline_to, time_zone="UTC"),
            verification=Period(from_=verification_from, to=verification_to, time_zone="UTC"),
        )
        effect = Effect(
            scope=Scope(programme=programme, filters={}, view=View.ADJUDICATED, period=None, epoch=None, position=1),
            plan=plan,
            verdict=says() or EffectVerdict.NOT_YET_DECIDABLE,
            why="So it was said.",
            before=_NUMBER,
            after=_NUMBER,
            control_before=_NUMBER,
            control_after=_NUMBER,
            reduction=Difference(value=0.5, interval=None, clear=None),
            dispersion=None,
            sample=100,
            sample_needed=None,
        )
        return Response(effect.model_dump_json())

    return app
