-- Texts by which an issue is found beside its own title: the exceptions of the chain, frames of the application and
-- breadcrumbs, each once, of the first event with each stack. Kinds: see write/mentions.rs.
CREATE TABLE mention(
  issue INTEGER NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY(issue, kind, text)) WITHOUT ROWID;
CREATE INDEX mention_text ON mention(kind, text COLLATE NOCASE);
