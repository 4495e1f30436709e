-- A sweep is a set of runs whose method instances are its cells.
CREATE TABLE learnda.sweep (
    id         uuid PRIMARY KEY,
    request    json NOT NULL,               -- as it was sent, with its seed
    axes       json NOT NULL,               -- [{"field": ..., "values": [...]}]
    client     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    name       text,
    note       text,
    shared     boolean NOT NULL DEFAULT false
);
CREATE INDEX sweep_listed ON learnda.sweep (created_at DESC, id DESC);

ALTER TABLE learnda.run
    ADD COLUMN sweep_id uuid REFERENCES learnda.sweep ON DELETE CASCADE,
    ADD COLUMN cells    integer[];          -- of each method, by its position
CREATE INDEX run_of_sweep ON learnda.run (sweep_id) WHERE sweep_id IS NOT NULL;
