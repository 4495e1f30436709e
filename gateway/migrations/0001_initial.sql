-- A run's row is its queue entry, its lock and its counter.
CREATE TABLE learnda.run (
    id          uuid PRIMARY KEY,
    status      text NOT NULL DEFAULT 'queued'
                CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    request     json NOT NULL,               -- resolved; json keeps each number as it was written
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at  timestamptz,
    finished_at timestamptz,
    deleted_at  timestamptz,                 -- hidden at once, removed after a grace
    error       text,
    warnings    text[] NOT NULL DEFAULT '{}',
    runtime_sec float8,
    server      json,                        -- software and devices that computed it
    step_count  bigint NOT NULL,             -- steps of each method
    carrier     uuid,                        -- the process that carries it
    generation  bigint NOT NULL DEFAULT 0,   -- grows at each claim: a late carrier is refused
    lease_until timestamptz,                 -- a running run may be claimed by others after this
    attempts    integer NOT NULL DEFAULT 0,  -- claims since the last progress
    last_event  bigint NOT NULL DEFAULT 0    -- the number of the newest event
) WITH (fillfactor = 50);

CREATE INDEX run_open ON learnda.run (created_at) WHERE status IN ('queued', 'running');
CREATE INDEX run_listed ON learnda.run (created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX run_finished ON learnda.run (finished_at);
CREATE INDEX run_deleted ON learnda.run (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE learnda.method (
    run_id        uuid NOT NULL REFERENCES learnda.run ON DELETE CASCADE,
    position      integer NOT NULL,          -- 0-based place in the request
    method_id     text NOT NULL,
    name          text NOT NULL,
    label         text NOT NULL,
    params        json NOT NULL,
    status        text NOT NULL DEFAULT 'queued' CHECK (status IN
                  ('queued', 'running', 'completed', 'diverged', 'failed', 'cancelled')),
    metrics       json,
    runtime_sec   float8,
    diverged_step bigint,
    last_step     bigint NOT NULL DEFAULT -1, -- newest step in learnda.points
    PRIMARY KEY (run_id, position),
    UNIQUE (run_id, method_id)
) WITH (fillfactor = 50);

-- A span of steps of one method. The series are replicate-major: replicate r (from 0), step k of the
-- span stands at r * step_count + k + 1; NaN after a replicate became non-finite.
CREATE TABLE learnda.points (
    run_id            uuid NOT NULL,
    position          integer NOT NULL,
    first_step        bigint NOT NULL,
    step_count        integer NOT NULL CHECK (step_count > 0),
    replicate_count   integer NOT NULL CHECK (replicate_count > 0),
    t                 float8[] NOT NULL,     -- model time of each step
    error_b           float8[] NOT NULL,
    error_a           float8[] NOT NULL,
    rmse_background   float8[] NOT NULL,
    rmse_analysis     float8[] NOT NULL,
    spread_background float8[] NOT NULL,
    spread_analysis   float8[] NOT NULL,
    PRIMARY KEY (run_id, position, first_step),
    FOREIGN KEY (run_id, position) REFERENCES learnda.method ON DELETE CASCADE
);

-- Consecutive events of one type that were committed together; payloads are JSON, ready to send.
CREATE TABLE learnda.event (
    run_id   uuid NOT NULL REFERENCES learnda.run ON DELETE CASCADE,
    last_id  bigint NOT NULL,
    first_id bigint NOT NULL,
    type     text NOT NULL,
    payloads text[] NOT NULL CHECK (cardinality(payloads) = last_id - first_id + 1),
    PRIMARY KEY (run_id, last_id)
);

-- The newest state from which a run can go on, in the parts in which compute sent it.
CREATE TABLE learnda.checkpoint (
    run_id     uuid NOT NULL REFERENCES learnda.run ON DELETE CASCADE,
    part_index integer NOT NULL,
    part_count integer NOT NULL,
    step       bigint NOT NULL,
    data       bytea NOT NULL,
    PRIMARY KEY (run_id, part_index)
);
ALTER TABLE learnda.checkpoint ALTER COLUMN data SET STORAGE EXTERNAL;

-- What compute last published about its methods: one row.
CREATE TABLE learnda.declaration (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    methods      bytea NOT NULL,             -- a serialised learnda.v1.ListMethodsResponse
    refreshed_at timestamptz NOT NULL
);
