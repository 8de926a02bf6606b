-- Symbols of native programs, and mappings of renamed classes ----------------------------------------------
-- A file of a bundle is of one build of a program or library; an upload may hold several.
CREATE TABLE debug_file(
  id INTEGER PRIMARY KEY AUTOINCREMENT, bundle INTEGER NOT NULL, debug_id TEXT NOT NULL, code_id TEXT, name TEXT NOT NULL,
  arch TEXT NOT NULL, format TEXT NOT NULL, kind TEXT NOT NULL, features TEXT NOT NULL, size INTEGER NOT NULL,
  at INTEGER NOT NULL);
CREATE INDEX debug_file_id ON debug_file(debug_id);
CREATE INDEX debug_file_code ON debug_file(code_id) WHERE code_id IS NOT NULL;
CREATE INDEX debug_file_bundle ON debug_file(bundle);
-- Kind 0: functions and lines, 1: call-frame information, 2: a source file, 3: a mapping of classes, 4: names of Dart's
-- types. Numbers are not used again: they are what readers remember.
CREATE TABLE debug_part(
  id INTEGER PRIMARY KEY AUTOINCREMENT, file INTEGER NOT NULL, kind INTEGER NOT NULL, path TEXT, z BLOB NOT NULL);
CREATE INDEX debug_part_file ON debug_part(file, kind, path);
-- Dumps have a retention of their own.
CREATE INDEX item_dump ON item(ts) WHERE content_type='application/x-dmp';
