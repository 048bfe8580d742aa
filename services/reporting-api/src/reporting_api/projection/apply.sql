-- Apply one page of changes to a programme: the audits' facts, and by the difference between old and new their sums.
--
-- $1 programme; then the values of one column each, joined by U+001F, empty for null; one entry per audit.
-- What becomes of an audit that is known comes from known.sql; without it, one is an error. The cells come from cells.sql.
-- Answers the cells that nothing is left in, for the caller to delete.
with incoming as (
    select
        audit_id::uuid as audit_id, position::bigint as position, day::date as day,
        vendor, site, queue, market, language, policy, audit_party,
        lower(automated_detection) as automated_detection,
        coalesce(error_class, '') as error_class, coalesce(error_code, '') as error_code, coalesce(severity, '') as severity,
        coalesce(moderator, '') as moderator, coalesce(auditor, '') as auditor,
        verdict = 'incorrect' as incorrect, round(score::float8 * 10000)::integer as score,
        handling_time_s::integer as handling_time_s, coalesce(stratum, '') as stratum,
        inclusion_probability::float8 as inclusion_probability,
        coalesce(first_verdict, verdict) = 'incorrect' as first_incorrect,
        coalesce(case when first_verdict is null then error_class else first_error_class end, '') as first_error_class,
        coalesce(case when first_verdict is null then error_code else first_error_code end, '') as first_error_code,
        coalesce(case when first_verdict is null then severity else first_severity end, '') as first_severity,
        round(case when first_verdict is null then score else first_score end::float8 * 10000)::integer as first_score
    from (
        select
            unnest(string_to_array($2, e'\x1f', '')) as audit_id,
            unnest(string_to_array($3, e'\x1f', '')) as position,
            unnest(string_to_array($4, e'\x1f', '')) as day,
            unnest(string_to_array($5, e'\x1f', '')) as vendor,
            unnest(string_to_array($6, e'\x1f', '')) as site,
            unnest(string_to_array($7, e'\x1f', '')) as queue,
            unnest(string_to_array($8, e'\x1f', '')) as market,
            unnest(string_to_array($9, e'\x1f', '')) as language,
            unnest(string_to_array($10, e'\x1f', '')) as policy,
            unnest(string_to_array($11, e'\x1f', '')) as audit_party,
            unnest(string_to_array($12, e'\x1f', '')) as automated_detection,
            unnest(string_to_array($13, e'\x1f', '')) as error_class,
            unnest(string_to_array($14, e'\x1f', '')) as error_code,
            unnest(string_to_array($15, e'\x1f', '')) as severity,
            unnest(string_to_array($16, e'\x1f', '')) as moderator,
            unnest(string_to_array($17, e'\x1f', '')) as auditor,
            unnest(string_to_array($18, e'\x1f', '')) as verdict,
            unnest(string_to_array($19, e'\x1f', '')) as score,
            unnest(string_to_array($20, e'\x1f', '')) as handling_time_s,
            unnest(string_to_array($21, e'\x1f', '')) as stratum,
            unnest(string_to_array($22, e'\x1f', '')) as inclusion_probability,
            unnest(string_to_array($23, e'\x1f', '')) as first_verdict,
            unnest(string_to_array($24, e'\x1f', '')) as first_error_class,
            unnest(string_to_array($25, e'\x1f', '')) as first_error_code,
            unnest(string_to_array($26, e'\x1f', '')) as first_severity,
            unnest(string_to_array($27, e'\x1f', '')) as first_score
    ) as page
),
merged as (
    insert into facts (
        programme, audit_id, position, day, vendor, site, queue, market, language, policy, audit_party, automated_detection,
        error_class, error_code, severity, moderator, auditor, incorrect, score, handling_time_s,
        stratum, inclusion_probability, first_incorrect, first_error_class, first_error_code, first_severity, first_score
    )
    select
        $1, audit_id, position, day, vendor, site, queue, market, language, policy, audit_party, automated_detection,
        error_class, error_code, severity, moderator, auditor, incorrect, score, handling_time_s,
        stratum, inclusion_probability, first_incorrect, first_error_class, first_error_code, first_severity, first_score
    from incoming
    /*known*/
    returning
        old.audit_id is not null as existed,
        new.day, new.vendor, new.site, new.queue, new.market, new.policy, new.audit_party,
        new.error_class, new.error_code, new.severity, new.auditor,
        new.incorrect, new.score, new.handling_time_s, new.first_incorrect, new.first_error_class,
        new.first_error_code, new.first_severity, new.first_score,
        old.day as old_day, old.vendor as old_vendor, old.site as old_site, old.queue as old_queue,
        old.market as old_market, old.policy as old_policy,
        old.audit_party as old_audit_party,
        old.error_class as old_error_class, old.error_code as old_error_code, old.severity as old_severity,
        old.auditor as old_auditor, old.incorrect as old_incorrect,
        old.score as old_score, old.handling_time_s as old_handling_time_s,
        old.first_incorrect as old_first_incorrect, old.first_error_class as old_first_error_class,
        old.first_error_code as old_first_error_code, old.first_severity as old_first_severity,
        old.first_score as old_first_score
),
side as not materialized (
    select
        1 as sign,
        day, vendor, site, queue, market, policy, audit_party, error_class,
        error_code, severity, auditor, incorrect, score, handling_time_s, first_incorrect,
        first_error_class, first_error_code, first_severity, first_score
    from merged
    union all
    select
        -1,
        old_day, old_vendor, old_site, old_queue, old_market, old_policy, old_audit_party,
        old_error_class, old_error_code, old_severity, old_auditor,
        old_incorrect, old_score, old_handling_time_s, old_first_incorrect, old_first_error_class,
        old_first_error_code, old_first_severity, old_first_score
    from merged
    where existed
),
delta as not materialized (
    select
        0::smallint as view, day, vendor, site, queue, market, policy, audit_party,
        first_error_class as error_class, first_error_code as error_code, first_severity as severity, auditor,
        sign as weight, first_incorrect as incorrect, first_score as score, handling_time_s
    from side
    union all
    select
        1::smallint, day, vendor, site, queue, market, policy, audit_party,
        judged.error_class, judged.error_code, judged.severity, auditor,
        sign * judged.factor, judged.incorrect, judged.score, handling_time_s
    from side
    cross join lateral (
        values
            (1, side.incorrect, side.error_class, side.error_code, side.severity, side.score),
            (-1, first_incorrect, first_error_class, first_error_code, first_severity, first_score)
    ) as judged (factor, incorrect, error_class, error_code, severity, score)
    where (side.incorrect, side.error_class, side.error_code, side.severity, side.score)
        is distinct from (first_incorrect, first_error_class, first_error_code, first_severity, first_score)
),
cells as (
    /*cells*/
),
added as (
    insert into rollups as kept (
        programme, cuboid, day, view, cell,
        vendor, site, queue, market, policy, audit_party, error_class, error_code, severity, auditor,
        audits, errors, critical_errors, false_positives, false_negatives, handling_time_s, timed, score, scored
    )
    select
        $1, cuboid, day, view,
        concat_ws(
            e'\x1f', vendor, site, queue, market, policy, audit_party, error_class, error_code, severity, auditor
        ) as cell,
        vendor, site, queue, market, policy, audit_party, error_class, error_code, severity, auditor,
        audits, errors, critical_errors, false_positives, false_negatives, handling_time_s, timed, score, scored
    from cells
    where (audits, errors, critical_errors, false_positives, false_negatives, handling_time_s, timed, score, scored)
        is distinct from (0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint)
    order by cuboid, day, view, cell
    on conflict (programme, cuboid, day, view, cell) do update set
        audits = kept.audits + excluded.audits,
        errors = kept.errors + excluded.errors,
        critical_errors = kept.critical_errors + excluded.critical_errors,
        false_positives = kept.false_positives + excluded.false_positives,
        false_negatives = kept.false_negatives + excluded.false_negatives,
        handling_time_s = kept.handling_time_s + excluded.handling_time_s,
        timed = kept.timed + excluded.timed,
        score = kept.score + excluded.score,
        scored = kept.scored + excluded.scored
    returning
        cuboid, day, view, cell, audits, errors, critical_errors, false_positives, false_negatives, handling_time_s, timed, score, scored
)
select cuboid, day, view, cell
from added
where (audits, errors, critical_errors, false_positives, false_negatives, handling_time_s, timed, score, scored)
    = (0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint)
