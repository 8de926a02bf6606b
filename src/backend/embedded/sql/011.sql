-- 0: all events of it that are folded were of jobs that nobody asked for; then it has no users, rather than ones who are not known.
ALTER TABLE issue ADD COLUMN attended INTEGER NOT NULL DEFAULT 1;
