-- How many of the decisions on the stage are candidates.
-- $1 programme, $2 owner, $3 source
select count(distinct (s.vendor, s.decision_id))
from candidate_stage s
join decision_candidates c
    on c.programme = $1 and c.vendor = s.vendor and c.draw_id = s.draw_id and c.stratum = s.stratum and c.rank = s.rank
    and c.owner = $2 and c.source = $3
