-- Calibration sessions and their raters, as the feed shows them. A draft is there for no vendor yet.
-- $1: the programme. $2: the sessions.
with incoming as (
    select session.*, array(
        select distinct rater.vendor
        from jsonb_to_recordset(session.raters) as rater (vendor text)
        where rater.vendor is not null and session.state <> 'draft'
        order by rater.vendor
    ) as vendors
    from jsonb_to_recordset($2::jsonb) as session (
        id uuid, position bigint, state text, title text, question text, scale jsonb, target float8, items integer,
        deadline timestamptz, reviewed_at timestamptz, concluded_at timestamptz, conclusion text, raters jsonb
    )
),
merged as (
    insert into calibration_sessions (
        programme, session_id, position, state, title, question, level, categories, target, items,
        deadline, reviewed_at, concluded_at, conclusion, vendors
    )
    select
        $1, id, position, state, title, question, scale ->> 'level', array(select jsonb_array_elements_text(scale -> 'categories')),
        target, items, deadline, reviewed_at, concluded_at, conclusion, vendors
    from incoming
    on conflict (programme, session_id) do update set
        position = excluded.position, state = excluded.state, title = excluded.title, question = excluded.question,
        level = excluded.level, categories = excluded.categories, target = excluded.target, items = excluded.items,
        deadline = excluded.deadline, reviewed_at = excluded.reviewed_at, concluded_at = excluded.concluded_at,
        conclusion = excluded.conclusion, vendors = excluded.vendors
    where calibration_sessions.position < excluded.position
    returning session_id
),
named as (
    select merged.session_id, rater.subject as rater, rater.vendor
    from merged
    join incoming on incoming.id = merged.session_id
    cross join lateral jsonb_to_recordset(incoming.raters) as rater (subject text, vendor text)
),
left_out as (
    delete from calibration_raters as kept
    using merged
    where kept.programme = $1 and kept.session_id = merged.session_id
        and not exists (select from named where named.session_id = kept.session_id and named.rater = kept.rater)
)
insert into calibration_raters (programme, session_id, rater, vendor)
select $1, session_id, rater, vendor
from named
on conflict (programme, session_id, rater) do update set vendor = excluded.vendor
