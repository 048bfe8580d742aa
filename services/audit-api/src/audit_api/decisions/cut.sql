-- Cut what comes last from strata that have more candidates than their reserve: the one after the reserve is the new cut.
-- What is below a cut is complete, so a cut only ever goes down, also where candidates were withdrawn since it was made.
-- Of a programme that is younger than its statistics the planner expects no candidates, and would hold all of them against each
-- cut: `offset 0` has it look up what each cut cuts off.
-- $1 programme
with sized as (
    select a.draw_id, a.stratum, a.vendor, coalesce(s.reserve, d.reserve) as reserve
    from (select distinct draw_id, stratum, vendor from candidate_stage) a
    join draws d on d.programme = $1 and d.id = a.draw_id
    left join draw_strata s on s.programme = $1 and s.vendor = a.vendor and s.draw_id = a.draw_id and s.stratum = a.stratum
),
beyond as (
    select z.draw_id, z.stratum, z.vendor, c.rank
    from sized z
    cross join lateral (
        select distinct c.rank
        from decision_candidates c
        where c.programme = $1 and c.vendor = z.vendor and c.draw_id = z.draw_id and c.stratum = z.stratum
        order by c.rank
        offset z.reserve
        limit 1
    ) c
),
cut as (
    insert into decision_cuts (programme, draw_id, stratum, vendor, cut)
    select $1, draw_id, stratum, vendor, rank from beyond
    on conflict (programme, draw_id, stratum) do update set cut = excluded.cut
    returning draw_id, stratum, vendor, cut
)
delete from decision_candidates
using cut
cross join lateral (
    select c.ctid
    from decision_candidates c
    where c.programme = $1 and c.vendor = cut.vendor and c.draw_id = cut.draw_id and c.stratum = cut.stratum and c.rank >= cut.cut
    offset 0
) as off
where decision_candidates.ctid = off.ctid
