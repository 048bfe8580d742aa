-- Where the rows of one chunk stand before they are merged: COPY cannot write into a table under row-level security.
create temporary table if not exists audit_stage (
    batch_row integer, id uuid, content_hash bytea, quality_score double precision, vendor text, external_id text,
    content_ref text, site text, queue text, market text, language text, moderator text, decided_at timestamptz, action text,
    policy text, automated_detection boolean, automated_decision boolean, render_hints text[], auditor text, audit_party text,
    claimed_at timestamptz, audited_at timestamptz, handling_time_s integer, stratum text, inclusion_probability double precision,
    benchmark_action text, benchmark_policy text, verdict text, error_class text, error_code text, severity text,
    attributable_to text, scorecard jsonb, comment text
) on commit delete rows
