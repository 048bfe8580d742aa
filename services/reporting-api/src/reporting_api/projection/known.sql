-- An audit that is known takes its new state. One that is stored at the same or a later position is left alone, so that a page
-- applied twice changes nothing.
on conflict (programme, audit_id) do update set
    position = excluded.position, day = excluded.day, vendor = excluded.vendor, site = excluded.site, queue = excluded.queue,
    market = excluded.market, language = excluded.language, policy = excluded.policy, audit_party = excluded.audit_party,
    automated_detection = excluded.automated_detection, error_class = excluded.error_class,
    error_code = excluded.error_code, severity = excluded.severity, moderator = excluded.moderator,
    auditor = excluded.auditor, incorrect = excluded.incorrect, score = excluded.score,
    handling_time_s = excluded.handling_time_s, stratum = excluded.stratum,
    inclusion_probability = excluded.inclusion_probability, first_incorrect = excluded.first_incorrect,
    first_error_class = excluded.first_error_class, first_error_code = excluded.first_error_code,
    first_severity = excluded.first_severity, first_score = excluded.first_score
where facts.position < excluded.position
