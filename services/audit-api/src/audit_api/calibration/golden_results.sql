-- What the staged rows that were taken over as audits say of golden items, beside the benchmark. Run before the stage is emptied.
insert into golden_results (programme, position, item_id, audit_id, vendor, auditor, value, benchmark, agreed, audited_at)
select
    $1, audits.position + $2::integer, golden_items.item_id, audits.id, audits.vendor, audits.auditor, said.value,
    golden_items.benchmark, said.value = golden_items.benchmark, audits.audited_at
from audit_stage
join golden_items on golden_items.programme = $1 and golden_items.content_ref = audit_stage.content_ref
join audits on audits.programme = $1 and audits.vendor = audit_stage.vendor and audits.id = audit_stage.id
cross join lateral (
    select coalesce(
        case golden_items.about
            when 'action' then audits.benchmark_action
            when 'policy' then audits.benchmark_policy
            when 'error_code' then audits.error_code
            when 'severity' then audits.severity
            when 'verdict' then audits.verdict
        end,
        'none'
    ) as value
) as said
