-- Hands out what was announced: one delivery to each endpoint that wants it, and the announcement is gone.
-- $1: now
with next as materialized (
    select programme, id from webhook_announcements order by id limit 1000 for update skip locked
),
taken as (
    delete from webhook_announcements using next
    where webhook_announcements.programme = next.programme and webhook_announcements.id = next.id
    returning webhook_announcements.*
)
insert into webhook_deliveries
    (programme, id, vendor, endpoint_id, type, subject_id, subject_vendor, created_at, state, attempts, next_attempt_at)
select e.programme, uuidv7(), e.vendor, e.id, t.type, t.subject_id, t.vendor, t.announced_at, 'pending', 0, $1
from taken t
join webhook_endpoints e on e.programme = t.programme
where e.state = 'enabled' and t.type = any (e.events) and (e.vendor is null or e.vendor = t.vendor)
order by t.id
for key share of e  -- so that it is not deleted meanwhile
