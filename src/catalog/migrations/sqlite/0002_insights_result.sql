-- Results of Logs Insights queries in pieces, so that a page reads only its own.

CREATE TABLE insights_result (
    account   TEXT NOT NULL,
    region    TEXT NOT NULL,
    id        TEXT NOT NULL,
    -- Counted from 0.
    first_row INTEGER NOT NULL CHECK (first_row >= 0),
    row_count INTEGER NOT NULL CHECK (row_count > 0),
    rows      TEXT NOT NULL,
    PRIMARY KEY (account, region, id, first_row),
    FOREIGN KEY (account, region, id) REFERENCES insights_query (account, region, id)
        ON DELETE CASCADE
) STRICT;

INSERT INTO insights_result (account, region, id, first_row, row_count, rows)
SELECT account, region, id, 0, json_array_length(results), results
FROM insights_query
WHERE results IS NOT NULL AND json_array_length(results) > 0;

ALTER TABLE insights_query ADD COLUMN row_count INTEGER NOT NULL DEFAULT 0
    CHECK (row_count >= 0);

UPDATE insights_query SET row_count = json_array_length(results) WHERE results IS NOT NULL;

ALTER TABLE insights_query DROP COLUMN results;
