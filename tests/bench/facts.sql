-- So many facts as the feed would have brought them: twelve weeks, nine audits in a hundred with an error, two in a hundred
-- judged otherwise at first.
--
-- $1 programme, $2 how many, $3 the first day, $4 days; then the words: $5 vendors and $6 sites, of the same length, $7 queues,
-- $8 markets and $9 languages, of the same length, $10 policies, $11 error codes, $12 error classes and $13 severities, of the
-- same length. $14 moderators at each site.
insert into facts (
    programme, audit_id, position, day, vendor, site, queue, market, language, policy, audit_party, automated_detection,
    error_class, error_code, severity, moderator, auditor, incorrect, score, handling_time_s,
    first_incorrect, first_error_class, first_error_code, first_severity, first_score
)
select
    $1, uuidv7(), number, $3::date + (number * $4::bigint / ($2::bigint + 1))::integer,
    ($5::text[])[site], ($6::text[])[site], ($7::text[])[queue], ($8::text[])[market], ($9::text[])[market], ($10::text[])[policy],
    case when party < 0.15 then 'vendor' else 'client' end, case when machine < 0.35 then 'true' else 'false' end,
    case when incorrect then ($12::text[])[error] else '' end,
    case when incorrect then ($11::text[])[error] else '' end,
    case when incorrect then ($13::text[])[error] else '' end,
    'm-' || ($6::text[])[site] || '-' || moderator, 'qa-' || auditor, incorrect, null, seconds,
    first,
    case when first then ($12::text[])[error] else '' end,
    case when first then ($11::text[])[error] else '' end,
    case when first then ($13::text[])[error] else '' end,
    null
from (
    select
        drawn.*, drawn.judged < 0.09 as incorrect,
        case when drawn.revised < 0.02 then drawn.judged >= 0.09 else drawn.judged < 0.09 end as first
    from (
        select
            number, random() as party, random() as machine, random() as judged, random() as revised,
            random(1, cardinality($6::text[])) as site, random(1, cardinality($7::text[])) as queue,
            random(1, cardinality($8::text[])) as market, random(1, cardinality($10::text[])) as policy,
            random(1, cardinality($11::text[])) as error, random(1, $14::integer) as moderator, random(1, 30) as auditor,
            random(15, 240) as seconds
        from generate_series(1, $2::bigint) as number
    ) as drawn
) as facts
