-- Keep the candidates on the stage that come before the cut of their stratum.
-- $1 programme, $2 owner, $3 source
insert into decision_candidates (
    programme, draw_id, stratum, rank, owner, source, vendor, decision_id, site, queue, market, language, moderator, decided_at,
    action, policy, content_ref, automated_detection, automated_decision, risk, modality, render_hints
)
select
    $1, s.draw_id, s.stratum, s.rank, $2, $3, s.vendor, s.decision_id, s.site, s.queue, s.market, s.language, s.moderator,
    s.decided_at, s.action, s.policy, s.content_ref, s.automated_detection, s.automated_decision, nullif(s.risk, ''), s.modality,
    string_to_array(s.render_hints, ',')
from candidate_stage s
where not exists (
    select from decision_cuts k
    where k.programme = $1 and k.vendor = s.vendor and k.draw_id = s.draw_id and k.stratum = s.stratum and k.cut <= s.rank
)
on conflict do nothing
