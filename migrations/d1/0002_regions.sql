-- How the regions are, as they report it, and how often somebody tried something.

CREATE TABLE region_health (
    region TEXT PRIMARY KEY,
    reported_at INTEGER NOT NULL,
    load_permille INTEGER NOT NULL,
    players INTEGER NOT NULL,
    hosts INTEGER NOT NULL
) STRICT;

CREATE TABLE rate_limits (
    key TEXT NOT NULL,
    -- Number of the minute since 1970.
    minute INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (key, minute)
) STRICT;

CREATE INDEX rate_limits_by_minute ON rate_limits (minute);
