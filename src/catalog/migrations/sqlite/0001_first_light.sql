-- Format version 1 of the catalog. Meaning of tables and columns: docs/formats/catalog.md.
-- A migration that was released is never edited; a change is a new file.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sequence (
    name       TEXT PRIMARY KEY NOT NULL,
    next_value INTEGER NOT NULL CHECK (next_value > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE object (
    id              TEXT PRIMARY KEY NOT NULL,
    kind            TEXT NOT NULL,
    account         TEXT NOT NULL,
    region          TEXT NOT NULL,
    level           INTEGER NOT NULL CHECK (level >= 0),
    retention_class TEXT NOT NULL,
    min_ts          INTEGER NOT NULL,
    max_ts          INTEGER NOT NULL,
    row_count       INTEGER NOT NULL CHECK (row_count >= 0),
    byte_count      INTEGER NOT NULL CHECK (byte_count >= 0),
    created_at      INTEGER NOT NULL,
    meta            TEXT NOT NULL,
    removed_at      INTEGER
) STRICT;
CREATE INDEX object_live ON object (kind, id) WHERE removed_at IS NULL;
CREATE INDEX object_removed ON object (removed_at, id) WHERE removed_at IS NOT NULL;

CREATE TABLE wal_checkpoint (
    wal TEXT PRIMARY KEY NOT NULL,
    lsn INTEGER NOT NULL CHECK (lsn >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_group (
    id                  INTEGER PRIMARY KEY NOT NULL CHECK (id > 0),
    account             TEXT NOT NULL,
    region              TEXT NOT NULL,
    name                TEXT NOT NULL,
    class               TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    retention_days      INTEGER CHECK (retention_days > 0),
    hidden_before       INTEGER,
    kms_key_id          TEXT,
    deletion_protection INTEGER NOT NULL CHECK (deletion_protection IN (0, 1)),
    UNIQUE (account, region, name)
) STRICT;

CREATE TABLE log_stream (
    id             INTEGER PRIMARY KEY NOT NULL CHECK (id > 0),
    group_id       INTEGER NOT NULL REFERENCES log_group (id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    first_event    INTEGER,
    last_event     INTEGER,
    last_ingestion INTEGER,
    -- Streams without events come before all others; never NULL, so that pages can compare.
    event_order    INTEGER NOT NULL
        GENERATED ALWAYS AS (COALESCE(last_event, -9223372036854775807)) STORED,
    UNIQUE (group_id, name)
) STRICT;
CREATE INDEX log_stream_by_event ON log_stream (group_id, event_order, name);

CREATE TABLE alarm (
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    name          TEXT NOT NULL,
    definition    TEXT NOT NULL,
    state         TEXT NOT NULL,
    status        TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    configured_at INTEGER NOT NULL,
    version       INTEGER NOT NULL CHECK (version > 0),
    PRIMARY KEY (account, region, name)
) STRICT;
CREATE INDEX alarm_by_version ON alarm (version);

CREATE TABLE alarm_history (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    alarm_name TEXT NOT NULL,
    alarm_type TEXT NOT NULL,
    timestamp  INTEGER NOT NULL,
    item_type  TEXT NOT NULL,
    summary    TEXT NOT NULL,
    data       TEXT NOT NULL
) STRICT;
CREATE INDEX alarm_history_by_tenant ON alarm_history (account, region, timestamp, id);
CREATE INDEX alarm_history_by_alarm ON alarm_history (account, region, alarm_name, timestamp, id);
CREATE INDEX alarm_history_by_time ON alarm_history (timestamp);

CREATE TABLE dashboard (
    account     TEXT NOT NULL,
    name        TEXT NOT NULL,
    body        TEXT NOT NULL,
    -- Length of the body in bytes, so that a listing does not read bodies.
    byte_count  INTEGER NOT NULL CHECK (byte_count >= 0),
    modified_at INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;

CREATE TABLE topic (
    arn                   TEXT PRIMARY KEY NOT NULL,
    account               TEXT NOT NULL,
    region                TEXT NOT NULL,
    name                  TEXT NOT NULL,
    attributes            TEXT NOT NULL,
    created_at            INTEGER NOT NULL,
    subscriptions_deleted INTEGER NOT NULL CHECK (subscriptions_deleted >= 0)
) STRICT;
CREATE INDEX topic_by_tenant ON topic (account, region, arn);

CREATE TABLE subscription (
    arn                            TEXT PRIMARY KEY NOT NULL,
    topic_arn                      TEXT NOT NULL REFERENCES topic (arn) ON DELETE CASCADE,
    account                        TEXT NOT NULL,
    region                         TEXT NOT NULL,
    protocol                       TEXT NOT NULL,
    endpoint                       TEXT NOT NULL,
    attributes                     TEXT NOT NULL,
    confirmed                      INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    confirmation_was_authenticated INTEGER NOT NULL
        CHECK (confirmation_was_authenticated IN (0, 1)),
    authenticate_on_unsubscribe    INTEGER NOT NULL
        CHECK (authenticate_on_unsubscribe IN (0, 1)),
    token_hash                     TEXT,
    token_expires_at               INTEGER,
    created_at                     INTEGER NOT NULL,
    UNIQUE (topic_arn, protocol, endpoint)
) STRICT;
CREATE INDEX subscription_by_tenant ON subscription (account, region, arn);
CREATE INDEX subscription_by_topic ON subscription (topic_arn, arn);
CREATE INDEX subscription_by_token ON subscription (topic_arn, token_hash)
    WHERE token_hash IS NOT NULL;
CREATE INDEX subscription_pending ON subscription (created_at) WHERE NOT confirmed;

CREATE TABLE tag (
    arn   TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE insights_query (
    account      TEXT NOT NULL,
    region       TEXT NOT NULL,
    id           TEXT NOT NULL,
    query_string TEXT NOT NULL,
    log_groups   TEXT NOT NULL,
    start_s      INTEGER NOT NULL,
    end_s        INTEGER NOT NULL,
    row_limit    INTEGER CHECK (row_limit >= 0),
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    status       TEXT NOT NULL,
    statistics   TEXT NOT NULL,
    error        TEXT,
    results      TEXT,
    PRIMARY KEY (account, region, id)
) STRICT;
CREATE INDEX insights_query_by_tenant ON insights_query (account, region, created_at, id);
CREATE INDEX insights_query_by_time ON insights_query (created_at);
CREATE INDEX insights_query_unfinished ON insights_query (status)
    WHERE status IN ('Scheduled', 'Running');

CREATE TABLE lease (
    name       TEXT PRIMARY KEY NOT NULL,
    -- Empty after it was given up.
    owner      TEXT NOT NULL,
    epoch      INTEGER NOT NULL CHECK (epoch > 0),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which rows there are or were: the gate through which every new outbox row passes.
CREATE TABLE outbox_key (
    account         TEXT NOT NULL,
    region          TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    -- NULL while the row is on its way.
    completed_at    INTEGER,
    PRIMARY KEY (account, region, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_key_completed ON outbox_key (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE outbox (
    -- The order of insertion.
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    account         TEXT NOT NULL,
    region          TEXT NOT NULL,
    kind            TEXT NOT NULL,
    order_key       TEXT CHECK (order_key <> ''),
    idempotency_key TEXT NOT NULL,
    payload         TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    claimed_by      TEXT,
    claimed_until   INTEGER,
    last_error      TEXT,
    -- From when on it can be claimed: due_at, or the end of a claim if that is later. NULL
    -- while an older row of its order key is there.
    ready_at        INTEGER
) STRICT;
CREATE INDEX outbox_ready ON outbox (ready_at, seq) WHERE ready_at IS NOT NULL;
CREATE INDEX outbox_claimed ON outbox (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX outbox_by_order_key ON outbox (account, region, order_key, seq)
    WHERE order_key IS NOT NULL;
