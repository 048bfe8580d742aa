-- Claims the attempts that are due: at most $4 an endpoint, and none at endpoints that this process is busy with.
-- $1: now, $2: when an attempt of which nothing was heard is taken for lost, $3: the busy endpoints
with due as materialized (
    select e.programme, d.id, e.url, e.secrets
    from webhook_endpoints e
    cross join lateral (
        select id from webhook_deliveries
        where programme = e.programme and endpoint_id = e.id and state = 'pending' and next_attempt_at <= $1
        order by next_attempt_at
        limit $4
        for update skip locked
    ) d
    where e.state = 'enabled' and e.id <> all ($3::uuid[])
)
update webhook_deliveries d
set attempts = attempts + 1, next_attempt_at = $2
from due
where d.programme = due.programme and d.id = due.id
returning d.*, due.url, due.secrets::text as secrets
