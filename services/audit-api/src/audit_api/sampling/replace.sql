-- The first candidate by rank after all that were drawn of a stratum, in the place of an item of it.
-- $1 programme, which the planner is not told: of a young one it expects no items, and would read all of them. $2 the item. The harm of a policy is that of the programme by now.
insert into sample_items (
    programme, id, draw_id, kind, stratum, rank, vendor, decision_id, site, queue, market, language, moderator, decided_at,
    action, policy, content_ref, automated_detection, automated_decision, risk, modality, render_hints, inclusion_probability,
    harm, priority, due_at, turn, state, told, revision, position
)
select
    candidate.programme, uuidv7(), candidate.draw_id, 'sampled', candidate.stratum, candidate.rank, candidate.vendor,
    candidate.decision_id, candidate.site, candidate.queue, candidate.market, candidate.language, candidate.moderator,
    candidate.decided_at, candidate.action, candidate.policy, candidate.content_ref, candidate.automated_detection,
    candidate.automated_decision, candidate.risk, candidate.modality, candidate.render_hints, item.inclusion_probability,
    coalesce(harms.harm, 0), item.priority, item.due_at, item.turn, 'waiting', false, 1, 0
from sample_items as item
cross join lateral (
    select *
    from decision_candidates
    where
        programme = item.programme and draw_id = item.draw_id and stratum = item.stratum
        and rank > (
            select max(rank)
            from sample_items as taken
            where taken.programme = item.programme and taken.draw_id = item.draw_id and taken.stratum = item.stratum
        )
    order by rank, owner, source
    limit 1
) as candidate
left join lateral (
    select (policy ->> 'harm')::double precision as harm
    from programmes, jsonb_array_elements(document -> 'policy_set' -> 'policies') as policies (policy)
    where programmes.programme = item.programme and policy ->> 'code' = candidate.policy
) as harms on true
where item.programme = (select $1::text) and item.id = $2
returning id
