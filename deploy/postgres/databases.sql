-- Roles and databases of a new cluster. Run by psql as a superuser; running it again changes only the passwords it is given.
--
-- The owner role of a database migrates it; the runtime role serves requests, owns nothing and cannot bypass row-level security.
-- TALLYSTICK_DATABASE_PASSWORDS may hold a JSON object of role names and passwords; without it roles have no password.
\set ON_ERROR_STOP on
\set QUIET on
\set passwords '{}'
\getenv passwords TALLYSTICK_DATABASE_PASSWORDS

select format(
  'create role %I login nosuperuser nocreatedb nocreaterole noreplication nobypassrls', name || '_' || kind
)
from unnest(array['audit', 'rca', 'reporting']) as name, unnest(array['owner', 'runtime']) as kind
where not exists (select from pg_roles where rolname = name || '_' || kind)
\gexec

select format('alter role %I password %L', key, value)
from json_each_text(:'passwords')
\gexec

-- The builtin locale sorts alike on every platform and never changes with the operating system.
select format(
  'create database %I owner %I template template0 encoding ''UTF8'' locale ''C'' locale_provider builtin builtin_locale ''C.UTF-8''',
  name, name || '_owner'
)
from unnest(array['audit', 'rca', 'reporting']) as name
where not exists (select from pg_database where datname = name)
\gexec

select format(statement, name, name || '_owner', name || '_runtime')
from unnest(array['audit', 'rca', 'reporting']) as name,
  unnest(array['revoke all on database %1$I from public', 'grant connect, temporary on database %1$I to %2$I, %3$I']) as statement
\gexec
