-- The audits that stand for some rows already: $1 programme, then vendor, external id and content hash of each row.
select sent.number, sent.external_id, audits.id::text, audits.content_hash = sent.content_hash as same
from unnest($2::integer[], $3::text[], $4::text[], $5::bytea[]) as sent (number, vendor, external_id, content_hash)
join audits
    on audits.programme = $1 and audits.vendor = sent.vendor and audits.external_id = sent.external_id
