-- States of the first replicate, thinned, for people to look at. A takeover may send some again: the
-- same bits, perhaps cut otherwise.
CREATE TABLE learnda.states (
    run_id      uuid NOT NULL REFERENCES learnda.run ON DELETE CASCADE,
    position    integer NOT NULL,        -- of the method; -1: truth and observations
    first_step  bigint NOT NULL,
    steps       bigint[] NOT NULL,
    state_count integer NOT NULL,
    site_count  integer NOT NULL,
    data        bytea NOT NULL,          -- as compute sent it: learnda.v1.States
    PRIMARY KEY (run_id, position, first_step)
);
ALTER TABLE learnda.states ALTER COLUMN data SET STORAGE EXTERNAL;
