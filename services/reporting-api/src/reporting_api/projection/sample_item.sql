-- Items as the feed shows them: they go from hand to hand, and stay what they were drawn as.
-- $1 programme, $2 the items as JSON.
insert into sample_items (programme, item_id, position, draw_id, stratum, vendor, state, audited_at, audit_id)
select $1, page.*
from jsonb_to_recordset($2::jsonb) as page (
    id uuid, position bigint, draw_id uuid, stratum text, vendor text, state text, audited_at timestamptz, audit_id uuid
)
on conflict (programme, item_id) do update set
    position = excluded.position, state = excluded.state, audited_at = excluded.audited_at, audit_id = excluded.audit_id
where sample_items.position < excluded.position
