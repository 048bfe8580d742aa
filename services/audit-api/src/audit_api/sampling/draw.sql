-- The first candidates by rank of each stratum become items of work.
-- $1 programme, $2 draw, $3 strata, $4 how many of each, $5 probabilities, $6 policies, $7 their harm, $8 priority, $9 due,
-- $10 the first position. A decision that two sources have sent is one candidate: the rank is of its id.
with wanted as (
    select * from unnest($3::text[], $4::integer[], $5::double precision[]) as wanted (stratum, number, probability)
),
first as (
    select wanted.probability, candidate.*
    from wanted
    cross join lateral (
        select distinct on (rank) *
        from decision_candidates
        where decision_candidates.programme = $1 and draw_id = $2 and decision_candidates.stratum = wanted.stratum
        order by rank, owner, source
        limit wanted.number
    ) as candidate
)
insert into sample_items (
    programme, id, draw_id, kind, stratum, rank, vendor, decision_id, site, queue, market, language, moderator, decided_at,
    action, policy, content_ref, automated_detection, automated_decision, risk, modality, render_hints, inclusion_probability,
    harm, priority, due_at, turn, state, told, revision, position
)
select
    first.programme, uuidv7(), first.draw_id, 'sampled', first.stratum, first.rank, vendor, decision_id, site, queue, market,
    language, moderator, decided_at, action, first.policy, content_ref, automated_detection, automated_decision, risk, modality,
    render_hints, first.probability, coalesce(harms.harm, 0), $8::integer, $9::timestamptz,
    row_number() over (partition by vendor, moderator order by first.rank, first.stratum), 'waiting', true, 1,
    $10::bigint - 1 + row_number() over (order by first.stratum, first.rank)
from first
left join unnest($6::text[], $7::double precision[]) as harms (policy, harm) on harms.policy = first.policy
