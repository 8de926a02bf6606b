-- Numbers of projects that are gone: they are not given again.
CREATE TABLE deleted_project(id INTEGER PRIMARY KEY);

-- The feed: each change once. `once` names the change, so that several processes may look at the same time.
CREATE TABLE finding(
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, once TEXT NOT NULL UNIQUE, project TEXT NOT NULL, issue INTEGER,
  kind TEXT NOT NULL, facts TEXT NOT NULL);
-- Who is told of the feed, from which entry on (the last one that is done with).
CREATE TABLE subscriber(target TEXT PRIMARY KEY, start INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
-- An entry on its way to a subscriber: who has it until when, and whether it arrived.
CREATE TABLE delivery(
  target TEXT NOT NULL, finding INTEGER NOT NULL, until INTEGER NOT NULL, tries INTEGER NOT NULL, done INTEGER NOT NULL,
  PRIMARY KEY(target, finding)) WITHOUT ROWID;
-- Issues that somebody works on.
CREATE TABLE claim(issue INTEGER PRIMARY KEY, who TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL);
-- Fixes that are looked at again and again after their release.
CREATE TABLE watched_fix(
  issue INTEGER NOT NULL, release TEXT NOT NULL, environment TEXT NOT NULL, until INTEGER NOT NULL, verdict TEXT,
  PRIMARY KEY(issue, release, environment)) WITHOUT ROWID;
