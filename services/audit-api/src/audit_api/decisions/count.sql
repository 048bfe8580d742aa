-- Add the cells on the stage to the counts of a source.
-- $1 programme, $2 owner, $3 source
insert into decision_counts (
    programme, day, owner, source, cell, vendor, site, queue, market, language, moderator, policy, action, automated_detection,
    automated_decision, risk, decisions
)
select
    $1, day, $2, $3, cell, vendor, site, queue, market, language, moderator, policy, action, automated_detection,
    automated_decision, risk, decisions
from cell_stage
on conflict (programme, day, owner, source, cell) do update set decisions = decision_counts.decisions + excluded.decisions
