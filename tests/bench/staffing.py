"""How long a plan of staffing takes, and how far it is from what no plan exceeds. The plan is checked before it counts."""

import time
from collections.abc import AsyncIterator

from audit_api.staffing.optimiser.optimise import optimise
from bench.figures import Figure, quantile
from bench.ground import Ground
from staffing_problems import broken_rules, random_problem

_ROUNDS = 5


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """Plans for 200 auditors, 2,000 strata and 10 days, with a tenth too much and a tenth too little work."""
    people, strata, days = (20, 100, 5) if ground.quick else (200, 2000, 10)
    named = f"{people} auditors, {strata:,} strata, {days} days"
    for load in (1.1, 0.9):
        seconds, of_processor = [], []
        gap = strata_in_a_day = 0.0
        for seed in range(1, (1 if ground.quick else _ROUNDS) + 1):
            problem = random_problem(seed, people, strata, days, load=load)
            started, worked = time.perf_counter(), time.process_time()
            plan = optimise(problem, 600)
            seconds.append(time.perf_counter() - started)
            of_processor.append(time.process_time() - worked)
            broken = list(broken_rules(problem, plan))
            if broken:
                raise AssertionError(broken)
            gap = max(gap, plan.gap)
            person_days = {(each.person, each.day) for each in plan.assignments}
            strata_in_a_day = max(strata_in_a_day, len(plan.assignments) / len(person_days))
        work = f"work for {load:.0%} of their time"
        yield Figure.below(f"A plan for {named}, {work}, median", quantile(seconds, 0.5), 10, "s")
        yield Figure.below("The same, time of the processor, median", quantile(of_processor, 0.5), None, "s")
        yield Figure.below(f"The same, the slowest of {len(seconds)}", max(seconds), None, "s")
        yield Figure.below("The same, weight that any plan might cover more, at most", 100 * gap, 1, "%")
        yield Figure.below("The same, strata in a person's day, in the mean, at most", strata_in_a_day, None, "")
