-- The staged rows that were not taken over, and the audits that stand under their external ids.
select audit_stage.batch_row, audits.id::text as id, audits.content_hash = audit_stage.content_hash as same
from audit_stage
join audits
    on audits.programme = $1 and audits.vendor = audit_stage.vendor and audits.external_id = audit_stage.external_id
where audits.id <> audit_stage.id
