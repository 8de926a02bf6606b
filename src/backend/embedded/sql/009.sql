-- Errors that SDKs say they dropped, by the hour of their report; release and environment are 0 where none was told.
CREATE TABLE dropped(
  project INTEGER NOT NULL, hour INTEGER NOT NULL, rel INTEGER NOT NULL, env INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY(project, hour, rel, env)) WITHOUT ROWID;
