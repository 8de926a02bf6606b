-- Names and numbers ---------------------------------------------------------------------------------
CREATE TABLE project(
  id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, public_key TEXT NOT NULL,
  issues INTEGER NOT NULL DEFAULT 0, platform TEXT, last_event INTEGER);
-- Environments, tag keys, tag values (under their key), platforms, transactions, user agents: small numbers elsewhere.
CREATE TABLE word(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, parent INTEGER NOT NULL, text TEXT NOT NULL);
CREATE UNIQUE INDEX word_text ON word(kind, parent, text);
CREATE TABLE user(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE);
CREATE TABLE release(
  id INTEGER PRIMARY KEY, project INTEGER NOT NULL, version TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  created INTEGER, released INTEGER, url TEXT, ref TEXT, UNIQUE(project, version));
-- A deploy of a release that several projects have is a row in each of them, with one number.
CREATE TABLE deploy(
  id INTEGER NOT NULL, release INTEGER NOT NULL, environment TEXT, name TEXT, url TEXT, started INTEGER, at INTEGER NOT NULL,
  PRIMARY KEY(release, id)) WITHOUT ROWID;
CREATE TABLE release_commit(
  release INTEGER NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, repository TEXT, author TEXT, at INTEGER, message TEXT,
  files TEXT, PRIMARY KEY(release, place)) WITHOUT ROWID;

-- Issues ----------------------------------------------------------------------------------------------
CREATE TABLE issue(
  id INTEGER PRIMARY KEY, project INTEGER NOT NULL, short_id TEXT NOT NULL, title TEXT NOT NULL, type TEXT, value TEXT,
  culprit TEXT, level INTEGER NOT NULL, status INTEGER NOT NULL DEFAULT 0, resolved_at INTEGER, resolved_in TEXT,
  resolved_after TEXT, assignee TEXT, function TEXT, file TEXT, line INTEGER, fault TEXT,
  first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE UNIQUE INDEX issue_short ON issue(short_id COLLATE NOCASE, project);
CREATE INDEX issue_last ON issue(project, last);
CREATE INDEX issue_fault ON issue(project, fault) WHERE fault IS NOT NULL;
CREATE TABLE note(issue INTEGER NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX note_issue ON note(issue, at);
CREATE TABLE grouphash(project INTEGER NOT NULL, hash BLOB NOT NULL, issue INTEGER NOT NULL, PRIMARY KEY(project, hash)) WITHOUT ROWID;
CREATE VIRTUAL TABLE issue_fts USING fts5(title, value, culprit, type, content='issue', content_rowid='id', tokenize='trigram');

-- Where issues crash: what tells the frames of a cause from those that everything runs through ------------
-- A frame is a digest of its module and function, a file one of its module alone; frame 0 stands in every stack.
CREATE TABLE stack(
  issue INTEGER NOT NULL, stack INTEGER NOT NULL, events INTEGER NOT NULL, frames BLOB NOT NULL, PRIMARY KEY(issue, stack)) WITHOUT ROWID;
-- near: in a stack of the issue it is nearest to the crash.
CREATE TABLE frame_issue(
  project INTEGER NOT NULL, frame INTEGER NOT NULL, issue INTEGER NOT NULL, near INTEGER NOT NULL,
  PRIMARY KEY(project, frame, issue)) WITHOUT ROWID;
CREATE TABLE frame(
  project INTEGER NOT NULL, frame INTEGER NOT NULL, issues INTEGER NOT NULL, near INTEGER NOT NULL,
  PRIMARY KEY(project, frame)) WITHOUT ROWID;

-- What the program is built on: lists of libraries, each once, a library a line (name, tab, version) --------
CREATE TABLE library_list(
  id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, digest INTEGER NOT NULL, text TEXT NOT NULL,
  UNIQUE(project, digest));
-- Events that carry a list; release 0: none named.
CREATE TABLE library_use(
  list INTEGER NOT NULL, rel INTEGER NOT NULL, events INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY(list, rel)) WITHOUT ROWID;
CREATE TABLE library_issue(
  issue INTEGER NOT NULL, list INTEGER NOT NULL, rel INTEGER NOT NULL, events INTEGER NOT NULL,
  PRIMARY KEY(issue, list, rel)) WITHOUT ROWID;

-- The journal, written before a sender gets its answer ------------------------------------------------
-- The day of the event's own time stands in front, so that inserts stay within today's pages.
CREATE TABLE eid(day INTEGER NOT NULL, k INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(day, k)) WITHOUT ROWID;
CREATE TABLE body(
  seq INTEGER PRIMARY KEY, issue INTEGER NOT NULL, id BLOB NOT NULL, ts INTEGER NOT NULL, received INTEGER NOT NULL, z BLOB NOT NULL);
CREATE TABLE tail(issue INTEGER NOT NULL, seq INTEGER NOT NULL, fact BLOB NOT NULL, PRIMARY KEY(issue, seq)) WITHOUT ROWID;

-- Folded, by issue ------------------------------------------------------------------------------------
CREATE TABLE chunk(
  issue INTEGER NOT NULL, id INTEGER NOT NULL, n INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL,
  best INTEGER NOT NULL, head BLOB NOT NULL, rest BLOB NOT NULL, UNIQUE(issue, id));
CREATE TABLE rollup(issue INTEGER PRIMARY KEY, events INTEGER NOT NULL, users INTEGER NOT NULL, cells BLOB NOT NULL);
-- Sets of users of the issues with many events; kind 0: by release and environment, 1: by day and environment, 2: all.
CREATE TABLE issue_users(
  issue INTEGER NOT NULL, kind INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL, users BLOB NOT NULL,
  PRIMARY KEY(issue, kind, a, b)) WITHOUT ROWID;

-- Folded, across issues -------------------------------------------------------------------------------
-- Users by value of a tag: the baseline of what marks the affected. Tag 0 has one value, 0: all users.
CREATE TABLE base(
  project INTEGER NOT NULL, day INTEGER NOT NULL, env INTEGER NOT NULL, tag INTEGER NOT NULL, sets BLOB NOT NULL,
  UNIQUE(project, tag, day, env));
-- Who was active in a release; kind 0: by events, 1: by sessions.
CREATE TABLE active(
  project INTEGER NOT NULL, rel INTEGER NOT NULL, env INTEGER NOT NULL, day INTEGER NOT NULL, kind INTEGER NOT NULL,
  n INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, users BLOB NOT NULL,
  PRIMARY KEY(project, rel, env, day, kind)) WITHOUT ROWID;
-- Events by hour, whatever their issue: the traffic where there are no sessions.
CREATE TABLE used(
  project INTEGER NOT NULL, env INTEGER NOT NULL, hour INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY(project, env, hour)) WITHOUT ROWID;

-- Sessions --------------------------------------------------------------------------------------------
CREATE TABLE session(
  day INTEGER NOT NULL, sid BLOB NOT NULL, rel INTEGER NOT NULL, env INTEGER NOT NULL, started INTEGER NOT NULL,
  at INTEGER NOT NULL, user INTEGER NOT NULL, class INTEGER NOT NULL, final INTEGER NOT NULL, agent INTEGER NOT NULL,
  PRIMARY KEY(day, sid)) WITHOUT ROWID;
CREATE INDEX session_bad ON session(rel, env, user, class, started) WHERE class > 0;
CREATE TABLE sess(
  rel INTEGER NOT NULL, env INTEGER NOT NULL, hour INTEGER NOT NULL, total INTEGER NOT NULL, errored INTEGER NOT NULL,
  crashed INTEGER NOT NULL, abnormal INTEGER NOT NULL, unhandled INTEGER NOT NULL, PRIMARY KEY(rel, env, hour)) WITHOUT ROWID;
-- Users of the hour, and the same by what their user agents say (a word each).
CREATE TABLE sess_users(
  rel INTEGER NOT NULL, env INTEGER NOT NULL, hour INTEGER NOT NULL, users BLOB NOT NULL, agents BLOB NOT NULL,
  PRIMARY KEY(rel, env, hour)) WITHOUT ROWID;

-- Everything else that is kept whole ------------------------------------------------------------------
CREATE TABLE item(
  id INTEGER PRIMARY KEY, project INTEGER NOT NULL, kind INTEGER NOT NULL, ts INTEGER NOT NULL, parent BLOB, trace INTEGER,
  segment INTEGER, rel INTEGER NOT NULL, env INTEGER NOT NULL, user INTEGER NOT NULL, name TEXT, content_type TEXT,
  size INTEGER NOT NULL, z BLOB NOT NULL);
CREATE INDEX item_parent ON item(parent, kind) WHERE parent IS NOT NULL;
CREATE INDEX item_trace ON item(trace, kind) WHERE trace IS NOT NULL;
CREATE INDEX item_ts ON item(ts);
-- Replays: 9 is the kind of what an SDK says of one.
CREATE INDEX item_replay ON item(project, ts) WHERE kind=9 AND parent IS NOT NULL;
CREATE TABLE item_once(day INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY(day, digest)) WITHOUT ROWID;
CREATE TABLE outcome(
  day INTEGER NOT NULL, project INTEGER NOT NULL, item TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
  n INTEGER NOT NULL, PRIMARY KEY(day, project, item, outcome, reason)) WITHOUT ROWID;

-- Scripts and their source maps -----------------------------------------------------------------------
-- Parts of bundles that are not put together yet.
CREATE TABLE upload(checksum BLOB PRIMARY KEY, at INTEGER NOT NULL, size INTEGER NOT NULL, bytes BLOB NOT NULL) WITHOUT ROWID;
-- used: the time of an event that was read with it, to the hour or so.
CREATE TABLE bundle(id INTEGER PRIMARY KEY, checksum BLOB NOT NULL UNIQUE, at INTEGER NOT NULL, used INTEGER NOT NULL);
CREATE TABLE bundle_use(
  project INTEGER NOT NULL, release TEXT NOT NULL, dist TEXT NOT NULL, bundle INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(project, release, dist, bundle)) WITHOUT ROWID;
-- Kind 0: a script, 1: its map. Numbers are not used again: they are what readers remember.
CREATE TABLE artifact(
  id INTEGER PRIMARY KEY AUTOINCREMENT, bundle INTEGER NOT NULL, kind INTEGER NOT NULL, url TEXT NOT NULL, debug_id BLOB,
  map_reference TEXT, size INTEGER NOT NULL, z BLOB NOT NULL);
CREATE INDEX artifact_debug ON artifact(debug_id, kind) WHERE debug_id IS NOT NULL;
CREATE INDEX artifact_url ON artifact(url, kind);
CREATE INDEX artifact_bundle ON artifact(bundle);
