-- How many of the decisions on the stage are candidates. `limit 1` has each looked up, whatever is known of how many there are.
-- $1 programme, $2 owner, $3 source
select count(distinct (s.vendor, s.decision_id))
from candidate_stage s
cross join lateral (
    select
    from decision_candidates c
    where
        c.programme = $1 and c.vendor = s.vendor and c.draw_id = s.draw_id and c.stratum = s.stratum and c.rank = s.rank
        and c.owner = $2 and c.source = $3
    limit 1
) as kept
