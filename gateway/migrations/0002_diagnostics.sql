-- More series of the points, shaped like the others: null where compute sent none for the span, or
-- nothing but NaN.
ALTER TABLE learnda.points
    ADD COLUMN crps_analysis          float8[],
    ADD COLUMN innovation_consistency float8[],
    ADD COLUMN desroziers_error       float8[],
    ADD COLUMN desroziers_background  float8[],
    ADD COLUMN effective_sample_size  float8[];

-- What compute has gathered up to last_step, null until something came; json, not jsonb, which would
-- write 1e20 as an integer of 21 digits.
ALTER TABLE learnda.method ADD COLUMN diagnostics json;
