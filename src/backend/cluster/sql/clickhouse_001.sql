-- Facts, each written once; the other tables are views of one insert. Numbers of projects, issues, releases, environments
-- and users come from PostgreSQL, 0 stands for none; times are microseconds since 1970. A partition is a week:
-- retention drops whole ones. On a cluster each engine is its Replicated… counterpart under a Distributed table.
CREATE TABLE IF NOT EXISTS event (
  project UInt64, issue UInt64, ts Int64 CODEC(Delta, ZSTD(1)), seq UInt64 CODEC(Delta, ZSTD(1)),
  received Int64 CODEC(Delta, ZSTD(1)), id FixedString(16) CODEC(NONE), rel UInt32, env UInt32, user UInt32, level UInt8,
  unhandled Bool, replayed Bool, unattended Bool, rich UInt8, platform LowCardinality(String),
  transaction LowCardinality(String), replay FixedString(16), trace String CODEC(ZSTD(1)),
  tags Map(LowCardinality(String), LowCardinality(String)), stack Int64, libraries Int64, body String CODEC(ZSTD(3)),
  PROJECTION by_id (SELECT project, issue, ts, seq, id, rel, env ORDER BY id)
) ENGINE = MergeTree PARTITION BY intDiv(ts, 604800000000) ORDER BY (project, issue, ts, seq)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS cell (
  project UInt64, issue UInt64, day Int32, rel UInt32, env UInt32, events SimpleAggregateFunction(sum, UInt64),
  named SimpleAggregateFunction(sum, UInt64), replays SimpleAggregateFunction(sum, UInt64),
  unhandled SimpleAggregateFunction(sum, UInt64), first SimpleAggregateFunction(min, Int64),
  last SimpleAggregateFunction(max, Int64)
) ENGINE = AggregatingMergeTree PARTITION BY intDiv(day, 7) ORDER BY (project, issue, day, rel, env)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS cell_of TO cell AS
SELECT project, issue, toInt32(floor(ts / 86400000000)) AS day, rel, env, count() AS events, countIf(user != 0) AS named,
  countIf(replayed) AS replays, countIf(event.unhandled) AS unhandled, min(ts) AS first, max(ts) AS last
FROM event GROUP BY project, issue, day, rel, env;

-- Who had an event, by hour.
CREATE TABLE IF NOT EXISTS active (
  project UInt64, rel UInt32, env UInt32, hour Int64, events SimpleAggregateFunction(sum, UInt64),
  first SimpleAggregateFunction(min, Int64), last SimpleAggregateFunction(max, Int64),
  users AggregateFunction(groupBitmap, UInt32)
) ENGINE = AggregatingMergeTree PARTITION BY intDiv(hour, 168) ORDER BY (project, rel, env, hour)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS active_of TO active AS
SELECT project, rel, env, toInt64(floor(ts / 3600000000)) AS hour, count() AS events, min(ts) AS first, max(ts) AS last,
  groupBitmapStateIf(user, user != 0) AS users
FROM event GROUP BY project, rel, env, hour;

-- A session's states: the worst that was said of it stays.
CREATE TABLE IF NOT EXISTS session (
  project UInt64, rel UInt32, env UInt32, hour Int64, sid FixedString(16), started SimpleAggregateFunction(min, Int64),
  user SimpleAggregateFunction(max, UInt32), agent SimpleAggregateFunction(max, String),
  rank SimpleAggregateFunction(max, UInt8)
) ENGINE = AggregatingMergeTree PARTITION BY intDiv(hour, 168) ORDER BY (project, rel, env, hour, sid)
SETTINGS non_replicated_deduplication_window = 10000;

-- Sessions that SDKs counted: well, errored, crashed, abnormal, unhandled.
CREATE TABLE IF NOT EXISTS session_count (
  project UInt64, rel UInt32, env UInt32, hour Int64, started Int64, user UInt32, well UInt64, errored UInt64,
  crashed UInt64, abnormal UInt64, unhandled UInt64
) ENGINE = MergeTree PARTITION BY intDiv(hour, 168) ORDER BY (project, rel, env, hour)
SETTINGS non_replicated_deduplication_window = 10000;

-- Requests that services worked on, and other signs of use; those have no operation.
CREATE TABLE IF NOT EXISTS request (
  project UInt64, rel UInt32, env UInt32, at Int64 CODEC(Delta, ZSTD(1)), operation LowCardinality(String), user UInt32,
  session UInt32, failed Bool, weight Float64, duration UInt64,
  tags Map(LowCardinality(String), LowCardinality(String))
) ENGINE = MergeTree PARTITION BY intDiv(at, 604800000000) ORDER BY (project, at)
SETTINGS non_replicated_deduplication_window = 10000;

-- Everything else that is kept whole.
CREATE TABLE IF NOT EXISTS item (
  project UInt64, kind UInt8, ts Int64 CODEC(Delta, ZSTD(1)), seq UInt64, parent FixedString(16), trace String CODEC(ZSTD(1)),
  segment Int64, rel UInt32, env UInt32, user UInt32, name String, content_type LowCardinality(String), size UInt64,
  body String CODEC(ZSTD(3)), INDEX by_trace trace TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY intDiv(ts, 604800000000) ORDER BY (project, kind, parent, ts, seq)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 10000;
