-- Take the staged rows over as audits. The caller holds the lock of the programme's stream, so nobody else writes audits of this
-- programme meanwhile. A row whose external id its vendor has used before is an error: `on conflict do nothing` would spare the
-- caller a savepoint and cost every row a third more. Positions follow the numbers of the rows: numbering them here would mean
-- keeping them all once more.
insert into audits (
    programme, id, vendor, external_id, content_ref, site, queue, market, language, moderator, decided_at, action, policy,
    automated_detection, automated_decision, render_hints, auditor, audit_party, claimed_at, audited_at, handling_time_s, stratum,
    inclusion_probability, benchmark_action, benchmark_policy, verdict, error_class, error_code, severity, attributable_to,
    scorecard, comment, quality_score, policy_set_version, error_taxonomy_version, content_hash, batch_id, batch_row, revision,
    position, recorded_by, recorded_at, erased
)
select
    $1, id, vendor, external_id, content_ref, site, queue, market, language, moderator, decided_at, action, policy,
    automated_detection, automated_decision, render_hints, auditor, audit_party, claimed_at, audited_at,
    handling_time_s, stratum, inclusion_probability, benchmark_action, benchmark_policy, verdict, error_class, error_code,
    severity, attributable_to, scorecard, comment, quality_score, $2, $3, content_hash, $4, batch_row, 1, $5::bigint + batch_row,
    $6, $7, false
from audit_stage
