"""What the databases themselves say about their walls: read from the catalogs, so that no table is forgotten."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from security.world import World
from tallystick_embedded.postgres import Cluster

TABLES = """
    select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced, pg_get_userbyid(c.relowner) as owner,
        array(select polname || ' ' || polcmd::text from pg_policy p where p.polrelid = c.oid and polpermissive) as policies,
        array(select attname::text from pg_attribute a where a.attrelid = c.oid and attnum > 0 and not attisdropped) as columns
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'
    order by 1
"""
KEYS = """
    select conrelid::regclass || '.' || conname as name, contype,
        (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1]) as first,
        (select attname from pg_attribute where attrelid = confrelid and attnum = confkey[1]) as first_there
    from pg_constraint
    where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f', 'x') and conrelid <> 'alembic_version'::regclass
"""
UNIQUE_INDEXES = """
    select indexrelid::regclass::text as name, (
        select attname from pg_attribute where attrelid = indrelid and attnum = indkey[0]
    ) as first
    from pg_index join pg_class on pg_class.oid = indexrelid
    where indisunique and relnamespace = 'public'::regnamespace and indrelid <> 'alembic_version'::regclass
"""
VIEWS = """
    select relname as name, coalesce('security_invoker=true' = any (reloptions), false) as as_the_asker, relkind = 'm' as stored
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm')
"""
FUNCTIONS = "select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef"
POLICIES = """
    select polrelid::regclass::text as name, pg_get_expr(polqual, polrelid) as shown,
        coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid)) as written,
        polroles = '{0}'::oid[] as for_everybody
    from pg_policy
"""
ROLES = """
    select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as mighty,
        (select count(*) from pg_auth_members where member = r.oid) as memberships,
        (select count(*) from pg_class where relowner = r.oid and relpersistence <> 't')
            + (select count(*) from pg_proc where proowner = r.oid)
            + (select count(*) from pg_namespace where nspowner = r.oid) as owned
    from pg_roles r where rolname ~ '_(runtime|owner)$' and rolname !~ '^pg_'
"""
GRANTS = """
    select table_name as name, grantee, privilege_type as right from information_schema.role_table_grants
    where table_schema = 'public' and grantee not in (select tableowner from pg_tables where tablename = table_name)
"""


@pytest.fixture(params=["audit", "rca", "reporting"])
async def catalog(request: pytest.FixtureRequest, world: World) -> AsyncIterator[asyncpg.Connection]:
    """The database of each service, migrated, as a superuser sees it."""
    connection = await asyncpg.connect(world.admin_urls[request.param])
    yield connection
    await connection.close()


async def test_every_table_is_behind_row_level_security(catalog: asyncpg.Connection) -> None:
    """Enabled, forced upon the owner too, with a policy for every command, and a programme to tell rows by."""
    tables = await catalog.fetch(TABLES)

    assert len(tables) >= 3
    for table in tables:
        assert table["enabled"], table["name"]
        assert table["forced"], table["name"]
        assert table["policies"] == ["isolation *"], table["name"]
        assert "programme" in table["columns"], table["name"]
        assert table["owner"].endswith("_owner"), table["name"]


async def test_every_policy_asks_for_the_programme_and_for_the_vendor_where_there_is_one(catalog: asyncpg.Connection) -> None:
    """For what is read and for what is written, of everybody; and what is not set is nobody, never everybody."""
    columns = {table["name"]: set(table["columns"]) for table in await catalog.fetch(TABLES)}
    policies = await catalog.fetch(POLICIES)

    assert {policy["name"] for policy in policies} == set(columns)
    for policy in policies:
        assert policy["shown"] == policy["written"], policy["name"]
        assert policy["for_everybody"], policy["name"]
        assert "app.programmes" in policy["shown"], policy["name"]
        if columns[policy["name"]] & {"vendor", "document"}:
            assert "app.vendor" in policy["shown"], policy["name"]


async def test_the_programme_leads_every_key(catalog: asyncpg.Connection) -> None:
    """Primary, unique and foreign keys ignore row-level security, so nothing of another programme may meet in them."""
    keys = await catalog.fetch(KEYS)
    indexes = await catalog.fetch(UNIQUE_INDEXES)

    assert keys
    assert {key["name"] for key in keys if key["first"] != "programme"} == set()
    assert {key["name"] for key in keys if key["contype"] == b"f" and key["first_there"] != "programme"} == set()
    assert {index["name"] for index in indexes if index["first"] != "programme"} == set()


async def test_a_unique_key_over_vendors_ids_has_the_vendor_in_it(world: World) -> None:
    """Without it one vendor's id would swallow, or reveal, another vendor's row."""
    connection = await asyncpg.connect(world.admin_urls["audit"])
    key = await connection.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'audits'::regclass and contype = 'u'"
    )
    await connection.close()

    assert key == "UNIQUE (programme, vendor, external_id)"


async def test_views_ask_as_the_asker_and_no_function_asks_as_its_owner(catalog: asyncpg.Connection) -> None:
    """A view of the owner's, a stored one or a function of the definer's would see through the walls."""
    views = await catalog.fetch(VIEWS)

    assert {view["name"] for view in views if view["stored"] or not view["as_the_asker"]} == set()
    assert await catalog.fetch(FUNCTIONS) == []


async def test_the_services_roles_can_do_nothing_but_their_work(catalog: asyncpg.Connection) -> None:
    """No role is a superuser or may bypass row-level security; runtime roles own nothing and belong to no other role."""
    roles = {role["rolname"]: role for role in await catalog.fetch(ROLES)}

    assert set(roles) == {f"{name}_{kind}" for name in ("audit", "rca", "reporting") for kind in ("owner", "runtime")}
    for name, role in roles.items():
        assert not role["mighty"], name
        assert role["memberships"] == 0, name
        assert role["owned"] == 0 or name.endswith("_owner"), name


async def test_the_runtime_role_alone_is_granted_anything(catalog: asyncpg.Connection) -> None:
    """To read and write rows, and neither to truncate (which knows no rows) nor to make references or triggers."""
    database = await catalog.fetchval("select current_database()")
    grants = await catalog.fetch(GRANTS)

    assert {grant["grantee"] for grant in grants} == {f"{database}_runtime"}
    assert {grant["right"] for grant in grants} <= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert {grant["right"] for grant in grants if grant["name"] == "alembic_version"} == {"SELECT"}


async def test_a_service_does_not_get_into_anothers_database(cluster: Cluster, world: World) -> None:
    """Each role connects to its own database and to no other."""
    assert world
    for name, other in (("audit", "rca"), ("rca", "reporting"), ("reporting", "audit")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(cluster.url(other, f"{name}_runtime"))


async def test_the_runtime_role_creates_nothing(cluster: Cluster, world: World) -> None:
    """No table, no function and no view of its own, through which it could come to own something."""
    assert world
    for name in ("audit", "rca", "reporting"):
        connection = await asyncpg.connect(cluster.url(name, f"{name}_runtime"))
        for statement in ("create table loot (id int)", "create view loot as select 1", "create schema loot"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.close()


async def test_without_a_principal_nothing_is_seen(cluster: Cluster, catalog: asyncpg.Connection) -> None:
    """A connection that nobody has been named on sees no row of any table, before and after somebody was named on it."""
    database = await catalog.fetchval("select current_database()")
    tables = [table["name"] for table in await catalog.fetch(TABLES)]
    runtime = await asyncpg.connect(cluster.url(database, f"{database}_runtime"))
    before = [await runtime.fetchval(f"select count(*) from {table}") for table in tables]
    async with runtime.transaction():
        await runtime.execute("select set_config('app.programmes', '*', true), set_config('app.vendor', '*', true)")
        within = [await runtime.fetchval(f"select count(*) from {table}") for table in tables]
    after = [await runtime.fetchval(f"select count(*) from {table}") for table in tables]
    await runtime.close()

    assert set(before) == set(after) == {0}
    assert sum(within) > 0
