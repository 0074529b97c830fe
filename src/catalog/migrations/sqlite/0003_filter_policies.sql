-- Which subscriptions have a filter policy: their number is limited, for a topic and for an account.

ALTER TABLE subscription ADD COLUMN has_filter_policy INTEGER NOT NULL
    GENERATED ALWAYS AS (CASE WHEN json_valid(attributes)
        THEN json_extract(attributes, '$.FilterPolicy') IS NOT NULL ELSE 0 END) VIRTUAL;
CREATE INDEX subscription_with_filter ON subscription (account, topic_arn, arn)
    WHERE has_filter_policy = 1;
