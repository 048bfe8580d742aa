-- Items of calibration sessions, as the feed shows them. Answers those that have changed.
-- $1: the programme. $2: the items.
insert into calibration_items as kept (
    programme, session_id, number, item_id, position, content_ref, policy, repeat_of, benchmark
)
select $1, session_id, number, id, position, content_ref, policy, repeat_of, benchmark ->> 'value'
from jsonb_to_recordset($2::jsonb) as item (
    id uuid, session_id uuid, number integer, position bigint, content_ref text, policy text, repeat_of integer,
    benchmark jsonb
)
on conflict (programme, session_id, number) do update set
    item_id = excluded.item_id, position = excluded.position, content_ref = excluded.content_ref, policy = excluded.policy,
    repeat_of = excluded.repeat_of, benchmark = excluded.benchmark
where kept.position < excluded.position
returning item_id
