-- What the staged rows that were taken over as audits say of golden items, beside the benchmark. Run before the stage is emptied.
-- The audits are looked up by their ids, as in `batches/existing.sql`, whatever the planner knows of the programme.
insert into golden_results (programme, position, item_id, audit_id, vendor, auditor, value, benchmark, agreed, audited_at)
select
    asked.programme, said.position + $2::integer, golden_items.item_id, said.id, said.vendor, said.auditor, said.value,
    golden_items.benchmark, said.value = golden_items.benchmark, said.audited_at
from (select $1::text offset 0) as asked (programme)
cross join audit_stage
join golden_items on golden_items.programme = asked.programme and golden_items.content_ref = audit_stage.content_ref
cross join lateral (
    select
        audits.*,
        coalesce(
            case golden_items.about
                when 'action' then audits.benchmark_action
                when 'policy' then audits.benchmark_policy
                when 'error_code' then audits.error_code
                when 'severity' then audits.severity
                when 'verdict' then audits.verdict
            end,
            'none'
        ) as value
    from audits
    where audits.programme = asked.programme and audits.vendor = audit_stage.vendor and audits.id = audit_stage.id
    limit 1
) as said
