"""The generated sample."""

from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from tallystick.sample import AUDITS, PLANTED_CODE, PLANTED_QUEUE, PLANTED_SITE, Sample, sample, sequel
from tallystick.schemas.audit import NewAudit, Verdict
from tallystick.schemas.programme import Programme

END = date(2026, 11, 20)


@pytest.fixture(scope="module")
def generated() -> Sample:
    return sample(end=END)


@pytest.fixture(scope="module")
def audits(generated: Sample) -> list[NewAudit]:
    return list(generated.audits())


def week(generated: Sample, audit: NewAudit) -> int:
    """The number of the audit's week, from 1."""
    day = audit.audited_at.astimezone(ZoneInfo(generated.programme.time_zone)).date()
    return (day - generated.first_day).days // 7 + 1


def test_it_is_the_same_for_the_same_arguments(generated: Sample, audits: list[NewAudit]) -> None:
    """Another seed makes another one."""
    assert list(sample(end=END).audits()) == audits
    assert list(generated.audits()) == audits
    assert list(sample(end=END, seed=8).audits()) != audits


def test_it_covers_the_twelve_whole_weeks_before_its_end(generated: Sample, audits: list[NewAudit]) -> None:
    """From a Monday to a Sunday, each week about as full as the others."""
    weeks = Counter(week(generated, audit) for audit in audits)

    assert (generated.first_day, generated.last_day) == (date(2026, 8, 24), date(2026, 11, 15))
    assert sorted(weeks) == list(range(1, 13))
    assert max(weeks.values()) < 1.3 * min(weeks.values())
    assert len(audits) == AUDITS


def test_a_week_that_ends_on_the_last_day_belongs_to_it() -> None:
    """The end is a Sunday."""
    assert sample(end=date(2026, 11, 15)).last_day == date(2026, 11, 15)
    assert sample(end=date(2026, 11, 14)).last_day == date(2026, 11, 8)


def test_its_audits_speak_the_words_of_its_programme(generated: Sample, audits: list[NewAudit]) -> None:
    """So every row is taken."""
    programme: Programme = generated.programme
    sites = {(vendor.slug, site) for vendor in programme.vendors for site in vendor.sites}
    policies = {policy.code for policy in programme.policy_set.policies}
    codes = {code.code: code for code in programme.error_taxonomy.codes}

    assert {(audit.vendor, audit.site) for audit in audits} == sites
    assert {audit.queue for audit in audits} == set(programme.queues)
    assert {audit.market for audit in audits} == set(programme.markets)
    assert {audit.language for audit in audits} == set(programme.languages)
    assert {audit.policy for audit in audits} | {audit.benchmark_policy for audit in audits} == policies
    for audit in audits:
        assert (audit.verdict is Verdict.INCORRECT) == (audit.error_code is not None)
        if audit.error_code is not None:
            assert (audit.error_class, audit.severity) == (
                codes[audit.error_code].error_class,
                codes[audit.error_code].severity,
            )


def test_its_ids_are_unique_and_its_times_in_order(audits: list[NewAudit]) -> None:
    """Decided, claimed, audited."""
    assert len({audit.external_id for audit in audits}) == len(audits)
    assert all(audit.decided_at < audit.audited_at for audit in audits)
    assert all(audit.claimed_at is not None and audit.claimed_at < audit.audited_at for audit in audits)
    assert [audit.audited_at for audit in audits] == sorted(audit.audited_at for audit in audits)


def test_one_problem_is_planted_in_one_segment_from_the_tenth_week(generated: Sample, audits: list[NewAudit]) -> None:
    """Harassment is missed there, several times as often as in all weeks before together."""
    planted = Counter(
        week(generated, audit)
        for audit in audits
        if (audit.site, audit.queue, audit.error_code) == (PLANTED_SITE, PLANTED_QUEUE, PLANTED_CODE)
    )
    elsewhere = Counter(
        week(generated, audit)
        for audit in audits
        if (audit.site, audit.queue) != (PLANTED_SITE, PLANTED_QUEUE) and audit.error_code == PLANTED_CODE
    )

    assert generated.planted_from == generated.first_day + timedelta(weeks=9)
    assert min(planted[number] for number in (10, 11, 12)) > sum(planted[number] for number in range(1, 10))
    assert sum(elsewhere[number] for number in (10, 11, 12)) < 1.5 * sum(elsewhere[number] for number in (7, 8, 9))


def test_it_says_that_it_is_invented(generated: Sample) -> None:
    """Nobody should take it for somebody's numbers."""
    assert "synthetic" in generated.programme.name
    assert all("invented" in vendor.name for vendor in generated.programme.vendors)


def test_its_size_can_be_chosen() -> None:
    """For quick tries."""
    assert len(list(sample(end=END, count=100).audits())) == 100


def test_a_sequel_follows_on_it_and_ends_what_was_planted(generated: Sample, audits: list[NewAudit]) -> None:
    """With weeks as full, further ids, and the problem for as many weeks as are said."""
    after = sequel(generated, weeks=4, mended_after=1)
    later = list(after.audits())
    planted = Counter(
        week(after, audit)
        for audit in later
        if (audit.site, audit.queue, audit.error_code) == (PLANTED_SITE, PLANTED_QUEUE, PLANTED_CODE)
    )

    assert (after.first_day, after.last_day) == (date(2026, 11, 16), date(2026, 12, 13))
    assert len(later) == AUDITS // 3
    assert not {audit.external_id for audit in audits} & {audit.external_id for audit in later}
    assert planted[1] > 3 * (planted[2] + planted[3] + planted[4])
