-- The audits that stand for some rows already: $1 programme, then number, vendor, external id and content hash of each row.
-- Each row is looked up by its name in the one index that holds it, whatever the planner knows of the programme: of one that is
-- younger than its statistics it expects no rows, and would read all that there are for each chunk, or for each row of one.
-- `offset 0` keeps the programme from it, `limit 1` the order of the join.
select sent.number, sent.external_id, found.id::text, found.content_hash = sent.content_hash as same
from (select $1::text offset 0) as asked (programme)
cross join unnest($2::integer[], $3::text[], $4::text[], $5::bytea[]) as sent (number, vendor, external_id, content_hash)
cross join lateral (
    select audits.id, audits.content_hash
    from audits
    where audits.programme = asked.programme and audits.vendor = sent.vendor and audits.external_id = sent.external_id
    limit 1
) as found
