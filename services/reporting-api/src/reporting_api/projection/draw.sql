-- Draws as the feed shows them, each with its strata in the place of those that were known.
-- $1 programme, $2 the draws as JSON.
with page as materialized (
    select *
    from jsonb_to_recordset($2::jsonb) as page (
        id uuid, position bigint, plan_id uuid, plan_version integer, title text, state text, first_day date, last_day date,
        drawn_at timestamptz, due_at timestamptz, wanted double precision, strata jsonb
    )
),
changed as (
    insert into sample_draws (
        programme, draw_id, position, plan_id, plan_version, title, state, first_day, last_day, drawn_at, due_at, wanted
    )
    select $1, id, position, plan_id, plan_version, title, state, first_day, last_day, drawn_at, due_at, wanted
    from page
    on conflict (programme, draw_id) do update set
        position = excluded.position, plan_version = excluded.plan_version, title = excluded.title, state = excluded.state,
        first_day = excluded.first_day, last_day = excluded.last_day, drawn_at = excluded.drawn_at, due_at = excluded.due_at,
        wanted = excluded.wanted
    where sample_draws.position < excluded.position
    returning draw_id
),
shown as materialized (
    select page.id as draw_id, stratum.*
    from page
    join changed on changed.draw_id = page.id
    cross join lateral jsonb_to_recordset(page.strata) as stratum (
        stratum text, vendor text, "values" jsonb, decisions bigint, planned integer, drawn integer
    )
),
gone as (
    delete from sample_strata
    using changed
    where
        sample_strata.programme = $1 and sample_strata.draw_id = changed.draw_id
        and not exists (
            select from shown
            where shown.draw_id = sample_strata.draw_id and shown.stratum = sample_strata.stratum collate "C"
        )
)
insert into sample_strata (programme, draw_id, stratum, vendor, "values", decisions, planned, drawn)
select $1, draw_id, stratum, vendor, "values", decisions, planned, drawn
from shown
on conflict (programme, draw_id, stratum) do update set
    vendor = excluded.vendor, "values" = excluded."values", decisions = excluded.decisions, planned = excluded.planned,
    drawn = excluded.drawn
