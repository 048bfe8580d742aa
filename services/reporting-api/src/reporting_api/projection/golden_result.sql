-- What auditors said of golden items, as the feed shows it.
-- $1: the programme. $2: the results.
insert into golden_results as kept (programme, result_id, position, item_id, auditor, value, benchmark, audited_at)
select $1, id, position, item_id, auditor, value, benchmark, audited_at
from jsonb_to_recordset($2::jsonb) as result (
    id uuid, position bigint, item_id uuid, auditor text, value text, benchmark text, audited_at timestamptz
)
on conflict (programme, result_id) do update set
    position = excluded.position, item_id = excluded.item_id, auditor = excluded.auditor, value = excluded.value,
    benchmark = excluded.benchmark, audited_at = excluded.audited_at
where kept.position < excluded.position
