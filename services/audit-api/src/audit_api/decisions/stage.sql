-- Where what a batch comes to stands before it is written: COPY cannot write into a table under row-level security.
create temporary table if not exists cell_stage (
    day date, cell bytea, vendor text, site text, queue text, market text, language text, moderator text, policy text, action text,
    automated_detection text, automated_decision text, risk text, decisions bigint
) on commit delete rows;
create temporary table if not exists candidate_stage (
    draw_id uuid, stratum text, rank bytea, decision_id text, vendor text, site text, queue text, market text, language text,
    moderator text, decided_at timestamptz, action text, policy text, content_ref text, automated_detection boolean,
    automated_decision boolean, risk text, modality text, render_hints text
) on commit delete rows
