-- What must be decided once: projects, names, issues, claims of ids, decisions, and blocks on their way to ClickHouse.
-- Times are microseconds since 1970. All of it grows with names, not with events, but for `seen` (three days of ids)
-- and `outbox` (bounded: past its size ingestion is refused).
CREATE TABLE project(
  id bigint PRIMARY KEY, slug text NOT NULL UNIQUE, name text NOT NULL, public_key text NOT NULL, platform text,
  last_event bigint, issues bigint NOT NULL DEFAULT 0);
CREATE TABLE environment(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE tag_key(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE person(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE);
CREATE TABLE release(
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project bigint NOT NULL, version text NOT NULL,
  first bigint NOT NULL, last bigint NOT NULL, created bigint, released bigint, url text, ref text,
  UNIQUE(project, version));
CREATE TABLE deploy(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, release int NOT NULL, environment text, name text, url text,
  started bigint, at bigint NOT NULL);
CREATE INDEX deploy_of ON deploy(release, at);
CREATE TABLE release_commit(
  release int NOT NULL, place int NOT NULL, id text NOT NULL, repository text, author text, at bigint, message text,
  files text, PRIMARY KEY(release, place));
CREATE TABLE issue(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project bigint NOT NULL, short_id text NOT NULL, title text NOT NULL,
  type text, value text, culprit text, level smallint NOT NULL, function text, file text, line bigint, fault text,
  first bigint NOT NULL, last bigint NOT NULL, attended boolean NOT NULL, status smallint NOT NULL DEFAULT 0,
  resolved_at bigint, resolved_in text, resolved_after text, assignee text);
CREATE INDEX issue_of ON issue(lower(short_id));
CREATE INDEX issue_in ON issue(project, last);
CREATE TABLE grouphash(project bigint NOT NULL, hash bytea NOT NULL, issue bigint NOT NULL, PRIMARY KEY(project, hash));
CREATE TABLE mention(issue bigint NOT NULL, kind smallint NOT NULL, text text NOT NULL, PRIMARY KEY(issue, kind, text));
CREATE TABLE stack(issue bigint NOT NULL, stack bigint NOT NULL, frames bigint[] NOT NULL, PRIMARY KEY(issue, stack));
CREATE TABLE frame_issue(
  project bigint NOT NULL, frame bigint NOT NULL, issue bigint NOT NULL, near boolean NOT NULL,
  PRIMARY KEY(project, frame, issue));
CREATE TABLE library_list(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project bigint NOT NULL, digest bigint NOT NULL, text text NOT NULL,
  UNIQUE(project, digest));
CREATE TABLE note(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, issue bigint NOT NULL, at bigint NOT NULL, text text NOT NULL);
CREATE INDEX note_of ON note(issue, at);
CREATE TABLE dropped(
  project bigint NOT NULL, hour bigint NOT NULL, rel int NOT NULL, env int NOT NULL, n bigint NOT NULL,
  PRIMARY KEY(project, hour, rel, env));
CREATE TABLE outcome(
  day bigint NOT NULL, project bigint NOT NULL, item text NOT NULL, outcome text NOT NULL, reason text NOT NULL,
  n bigint NOT NULL, PRIMARY KEY(day, project, item, outcome, reason));
-- Ids of events and digests of items, claimed in the transaction that stores them.
CREATE TABLE seen(project bigint NOT NULL, id bytea NOT NULL, at bigint NOT NULL, PRIMARY KEY(project, id));
CREATE INDEX seen_at ON seen(at);
-- Blocks as ClickHouse gets them: committed before the sender gets its answer, deleted once ClickHouse has them.
CREATE SEQUENCE event_seq;
CREATE TABLE outbox(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, destination text NOT NULL, token text NOT NULL UNIQUE,
  rows bigint NOT NULL, bytes bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(), lease timestamptz,
  block bytea NOT NULL);
