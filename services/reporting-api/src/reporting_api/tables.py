"""The read model: each audit's current facts, their sums day by day, appeals, draws, work, and where each feed was read up to.

Nothing here is a fact of its own: dropped, it is built again from the feeds to the same numbers, and they to the same signals.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from reporting_api.cuboids import DIMENSIONS, MEASURES, ROLLED_UP
from tallystick.service.database import SOUGHT
from tallystick.service.feed import stream_table

metadata = MetaData()

NAME = Text(collation="C")
"""Names are compared byte by byte: nobody sorts by them here, and it is fast."""

facts = Table(
    "facts",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("audit_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("day", Date, nullable=False, comment="of the audit, in the programme's time zone"),
    *(Column(name, NAME, nullable=False) for name in DIMENSIONS),
    Column("incorrect", Boolean, nullable=False),
    Column("score", Integer, comment="quality score in ten-thousandths"),
    Column("handling_time_s", Integer),
    Column("stratum", NAME, nullable=False, server_default="", comment="empty where it was drawn by none"),
    Column("inclusion_probability", Double, comment="null where it is not known"),
    Column("first_incorrect", Boolean, nullable=False),
    Column("first_error_class", NAME, nullable=False),
    Column("first_error_code", NAME, nullable=False),
    Column("first_severity", NAME, nullable=False),
    Column("first_score", Integer),
    PrimaryKeyConstraint("programme", "audit_id"),
    Index("facts_day", "day", postgresql_using="brin"),
)

rollups = Table(
    "rollups",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("cuboid", SmallInteger, nullable=False, comment="the set of dimensions, as grouping() numbers it"),
    Column("day", Date, nullable=False),
    Column("view", SmallInteger, nullable=False, comment="0: as first scored; 1: what adjudication changed"),
    Column("cell", NAME, nullable=False, comment="the dimensions' values in one, joined by U+001F"),
    *(Column(name, NAME, nullable=False, comment="empty where the cuboid leaves it out") for name in ROLLED_UP),
    *(Column(name, BigInteger, nullable=False) for name in MEASURES),
    PrimaryKeyConstraint("programme", "cuboid", "day", "view", "cell"),
    Index("rollups_segment", "programme", "cuboid", "queue", "market", "day", postgresql_where=text("queue <> ''")),
)

appeals = Table(
    "appeals",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("appeal_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("audit_id", Uuid, nullable=False, comment="whose facts say by what the appeal is counted"),
    Column("vendor", NAME, nullable=False),
    Column("state", NAME, nullable=False),
    Column("stage", NAME, nullable=False),
    Column("ground", NAME, nullable=False),
    Column("error_class", NAME, nullable=False, comment="as it was appealed, as are code and severity"),
    Column("error_code", NAME, nullable=False),
    Column("severity", NAME, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("escalated_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True), comment="of the present stage"),
    Column("decided_at", DateTime(timezone=True)),
    Column("on_time", Boolean),
    PrimaryKeyConstraint("programme", "appeal_id"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("programme", NAME, primary_key=True),
    Column("epoch", Uuid),
    Column("cursor", Text),
    Column("position", BigInteger, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("document", JSONB, nullable=False, comment="the programme, as the feed last showed it"),
    Column("applied_at", DateTime(timezone=True), comment="when a page last changed something"),
    Column("caught_up_at", DateTime(timezone=True), comment="when the feed last had nothing more"),
    Column("checked_at", DateTime(timezone=True), comment="when the feed last answered"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

calibration_sessions = Table(
    "calibration_sessions",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("state", NAME, nullable=False),
    Column("title", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("level", NAME, nullable=False),
    Column("categories", ARRAY(NAME), nullable=False),
    Column("target", Double, comment="null: the programme's"),
    Column("items", Integer, nullable=False),
    Column("deadline", DateTime(timezone=True), nullable=False),
    Column("reviewed_at", DateTime(timezone=True)),
    Column("concluded_at", DateTime(timezone=True)),
    Column("conclusion", Text),
    Column("vendors", ARRAY(NAME), nullable=False, comment="that take part"),
    PrimaryKeyConstraint("programme", "session_id"),
)

calibration_raters = Table(
    "calibration_raters",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("rater", NAME, nullable=False),
    Column("vendor", NAME, comment="null: of the client's people"),
    PrimaryKeyConstraint("programme", "session_id", "rater"),
)

calibration_items = Table(
    "calibration_items",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("item_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("content_ref", NAME),
    Column("policy", NAME),
    Column("repeat_of", Integer),
    Column("benchmark", NAME),
    PrimaryKeyConstraint("programme", "session_id", "number"),
)

calibration_ratings = Table(
    "calibration_ratings",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("rater", NAME, nullable=False),
    Column("vendor", NAME, comment="null: of the client's people"),
    Column("value", NAME, nullable=False),
    Column("policy", NAME, comment="the clause that it rests on"),
    PrimaryKeyConstraint("programme", "session_id", "number", "rater"),
)

golden_results = Table(
    "golden_results",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("result_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("item_id", Uuid, nullable=False),
    Column("auditor", NAME, comment="null once erased"),
    Column("value", NAME, nullable=False),
    Column("benchmark", NAME, nullable=False),
    Column("audited_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "result_id"),
)

work_cursors = Table(
    "work_cursors",
    metadata,
    Column("programme", NAME, primary_key=True),
    Column("epoch", Uuid),
    Column("cursor", Text),
    Column("position", BigInteger, nullable=False),
    Column("applied_at", DateTime(timezone=True), comment="when a page last changed something"),
    Column("caught_up_at", DateTime(timezone=True), comment="when the feed last had nothing more"),
    Column("checked_at", DateTime(timezone=True), comment="when the feed last answered"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

cases = Table(
    "cases",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("vendor", NAME, comment="with whom the case is shared; null for an internal one"),
    Column("title", Text, nullable=False),
    Column("state", NAME, nullable=False),
    Column("measure", NAME, nullable=False),
    Column("priority", NAME, nullable=False),
    Column("owner", NAME),
    Column("scope", JSONB, nullable=False),
    Column("baseline_from", Date, nullable=False, comment="with what its errors are compared"),
    Column("baseline_to", Date, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("overridden", Boolean, nullable=False, comment="closed although something was missing"),
    Column("watch_until", DateTime(timezone=True)),
    Column("moves", JSONB, nullable=False, comment="the steps that it took, oldest first: step, state, at, due_at"),
    PrimaryKeyConstraint("programme", "case_id"),
)

causes = Table(
    "causes",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("cause_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("case_id", Uuid, nullable=False),
    Column("audience", NAME, nullable=False, comment="whether the vendor of its case may read of it"),
    Column("state", NAME, nullable=False),
    Column("code", NAME, nullable=False),
    Column("category", NAME, nullable=False),
    Column("share", Double),
    PrimaryKeyConstraint("programme", "cause_id"),
    Index("causes_case", "programme", "case_id"),
)

actions = Table(
    "actions",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("action_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("case_id", Uuid, nullable=False),
    Column("vendor", NAME, comment="with whom its case is shared; null for an internal one"),
    Column("kind", NAME, nullable=False),
    Column("title", Text, nullable=False),
    Column("owner", NAME, nullable=False),
    Column("owner_vendor", NAME, comment="null: one of the client's people"),
    Column("state", NAME, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("programme", "action_id"),
    Index("actions_case", "programme", "case_id"),
)

plans = Table(
    "plans",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("vendor", NAME, comment="with whom its case is shared; null for an internal one"),
    Column("judge_on", Date, nullable=False),
    Column("verdict", NAME, comment="null until it was judged"),
    Column("judged_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("programme", "case_id"),
)

sample_draws = Table(
    "sample_draws",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("plan_id", Uuid, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", NAME, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("drawn_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("wanted", Double, comment="the half width that the plan wants of every stratum's interval; null: none"),
    PrimaryKeyConstraint("programme", "draw_id"),
)

sample_strata = Table(
    "sample_strata",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("stratum", NAME, nullable=False),
    Column("vendor", NAME, nullable=False),
    Column("values", JSONB, nullable=False),
    Column("decisions", BigInteger, nullable=False),
    Column("planned", Integer, nullable=False),
    Column("drawn", Integer, nullable=False),
    PrimaryKeyConstraint("programme", "draw_id", "stratum"),
    info=SOUGHT,
)

sample_items = Table(
    "sample_items",
    metadata,
    Column("programme", NAME, nullable=False),
    Column("item_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False, comment="of the change that this row shows"),
    Column("draw_id", Uuid, nullable=False),
    Column("stratum", NAME, nullable=False),
    Column("vendor", NAME, nullable=False),
    Column("state", NAME, nullable=False),
    Column("audited_at", DateTime(timezone=True)),
    Column("audit_id", Uuid, comment="whose facts say whether the decision was right"),
    PrimaryKeyConstraint("programme", "item_id"),
    Index("sample_items_stratum", "programme", "draw_id", "stratum"),
)

streams = stream_table(metadata)

signals = Table(
    "signals",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("key", NAME, nullable=False),
    Column("vendor", Text, comment="whose audits alone it is about; null: for the client's people only"),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("detector", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("measure", Text),
    Column("scope", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("direction", Text),
    Column("since", Date, nullable=False),
    Column("raised_on", Date, nullable=False),
    Column("until", Date, nullable=False, comment="the day after the last period that showed it"),
    Column("time_zone", Text, nullable=False),
    Column("strength", Double, nullable=False),
    Column("observed", JSONB, nullable=False),
    Column("expected", JSONB(none_as_null=True)),
    Column("summary", Text, nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    Index("signals_position", "programme", "position"),
    Index("signals_raised_on", "programme", "raised_on", "id"),
)

detections = Table(
    "detections",
    metadata,
    Column("programme", Text, primary_key=True),
    Column("begun_at", DateTime(timezone=True), nullable=False, comment="when the projection was begun that was searched"),
    Column("position", BigInteger, nullable=False, comment="up to which it was counted"),
    Column("day", Date, nullable=False, comment="on which it was searched, in the programme's time zone"),
    Column("version", Text, nullable=False, comment="of the service that did"),
)
