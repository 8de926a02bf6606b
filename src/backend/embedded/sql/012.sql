-- Failures that SDKs reported lately, by trace: spans and logs that tell of the same make no event of their own. `said` holds
-- digests of type and text of each exception, eight bytes each.
CREATE TABLE reported(
  trace INTEGER NOT NULL, seq INTEGER NOT NULL, span TEXT NOT NULL, said BLOB NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(trace, seq)) WITHOUT ROWID;
CREATE INDEX reported_at ON reported(at);
-- The same of events that were made of spans and logs.
ALTER TABLE joined ADD COLUMN said BLOB;
