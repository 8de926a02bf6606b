-- Users of requests by value of a tag, as `base` has those of events: with whom the affected are compared where few others
-- have an event at all. Tag 0 has one value, 0: all whose tags are known.
CREATE TABLE base_request(
  project INTEGER NOT NULL, day INTEGER NOT NULL, env INTEGER NOT NULL, tag INTEGER NOT NULL, sets BLOB NOT NULL,
  PRIMARY KEY(project, tag, day, env));
