-- OpenTelemetry: what each request told of a trace (or of a session), within one service and release ---------
-- keep 0: dropped once no failure can come any more.
CREATE TABLE part(
  id INTEGER PRIMARY KEY, trace INTEGER NOT NULL, project INTEGER NOT NULL, rel INTEGER NOT NULL, env INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, received INTEGER NOT NULL, failing INTEGER NOT NULL, keep INTEGER NOT NULL,
  spans INTEGER NOT NULL, logs INTEGER NOT NULL, z BLOB NOT NULL);
CREATE INDEX part_trace ON part(trace);
CREATE INDEX part_kept ON part(project, last) WHERE keep=1;
CREATE INDEX part_drop ON part(received) WHERE keep=0;
-- Spans and logs of traces without a failure that were kept, by the day they came.
CREATE TABLE part_day(day INTEGER NOT NULL, project INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(day, project)) WITHOUT ROWID;
-- Events that were made of a trace's parts; until they are folded, further parts may change them.
CREATE TABLE joined(
  trace INTEGER NOT NULL, seq INTEGER NOT NULL, issue INTEGER NOT NULL, stack INTEGER NOT NULL, digest BLOB NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY(trace, seq)) WITHOUT ROWID;
CREATE INDEX joined_at ON joined(at);
CREATE INDEX grouphash_issue ON grouphash(issue);
-- Requests that services worked on, by operation (a word): how many, what they stand for where they are sampled, how many
-- failed, how long they took, by whom.
CREATE TABLE traffic(
  project INTEGER NOT NULL, rel INTEGER NOT NULL, env INTEGER NOT NULL, hour INTEGER NOT NULL, op INTEGER NOT NULL,
  n INTEGER NOT NULL, weight REAL NOT NULL, failed INTEGER NOT NULL, durations BLOB NOT NULL, users BLOB NOT NULL,
  sessions BLOB NOT NULL, PRIMARY KEY(project, hour, rel, env, op)) WITHOUT ROWID;
