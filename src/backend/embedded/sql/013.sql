-- Lines of signal beside errors as columns, a block for some thousands of them: what questions over many lines are answered from.
-- source 0: parts, else a kind of items; kind 1: logs, 2: spans, 3: transactions, 4: metrics. first and last: numbers of the
-- records that they are of. Whatever is here can be made again.
CREATE TABLE line_block(
  id INTEGER PRIMARY KEY, project INTEGER NOT NULL, source INTEGER NOT NULL, kind INTEGER NOT NULL, first INTEGER NOT NULL,
  last INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, z BLOB NOT NULL);
CREATE INDEX line_block_of ON line_block(project, kind, hi);
-- The number of the last record that is in a block, or has no lines.
CREATE TABLE line_mark(
  project INTEGER NOT NULL, source INTEGER NOT NULL, upto INTEGER NOT NULL, PRIMARY KEY(project, source)) WITHOUT ROWID;
-- Parts before that number that were kept only after.
CREATE TABLE part_late(part INTEGER PRIMARY KEY, project INTEGER NOT NULL);
DROP INDEX part_kept;
CREATE INDEX part_next ON part(project) WHERE keep=1;
CREATE INDEX item_next ON item(project, kind);
