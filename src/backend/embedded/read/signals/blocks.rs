//! Questions answered from blocks of columns: conditions on the different values of a column instead of each line.
//! It uses `rusqlite` and the packed forms.
//! It never guesses: where a column that is needed is not kept in a block, its lines are read from what they were made of.

use rusqlite::params;
use serde_json::Value as Json;

use super::{
    codes::Codes,
    found::{Found, Hit, Place},
    group::{Columns, time_of},
    load::MOST,
    test,
};
use crate::{
    backend::embedded::{
        lines::{Block, Column, Maker, Parsed, Row, Source, Stored, canonical, kind_code},
        pack::Unpacker,
        read::engine::{pool::Snapshot, scope::ResolvedScope},
    },
    ingest::has_failed,
    store::{Field, SignalKind, SignalQuery, StoreError, Term, Test},
};

/// Whether a condition holds for a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    No,
    Yes,
    /// The column is not kept.
    Unknown,
}

/// A block that is being asked.
struct Asked<'b, 'u> {
    block: Block<'b>,
    unpacker: &'u mut Unpacker,
    project: &'b str,
    times: Vec<i64>,
}

impl Snapshot<'_> {
    /// Answers from the blocks of a kind, and from the records of those lines that it can't be answered for so.
    pub(super) fn blocks(
        &mut self,
        kind: SignalKind,
        bounds: &ResolvedScope,
        maker: &mut Maker<'_>,
        found: &mut Found<'_>,
    ) -> Result<(), StoreError> {
        let conn = self.conn;
        let environment = bounds.env.map(|env| self.word(env)).transpose()?.map(|name| Json::from(name.raw()));
        let sql =
            "SELECT source, z FROM line_block WHERE project=?1 AND kind=?2 AND hi>=?3 AND lo<=?4 ORDER BY hi DESC";
        for (project, slug) in &bounds.projects {
            let mut statement = conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![project, kind_code(kind), bounds.lo, bounds.hi])?;
            while let Some(row) = rows.next()? {
                self.go_on()?;
                let Some(source) = Source::of_code(row.get(0)?) else { continue };
                let block = Block::open(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
                found.keys.extend(block.keys().chain(["project"]).map(str::to_owned));
                let times = block.times(self.unpacker)?;
                let mut asked = Asked { block, unpacker: self.unpacker, project: slug, times };
                let (lines, sure) = asked.fitting(bounds, environment.as_ref(), &found.query.filter)?;
                if lines.is_empty() {
                    continue;
                }
                let answered =
                    sure && asked.answer(&lines, Place { project: *project, source, kind, record: 0, at: 0 }, found)?;
                if !answered && found.read < MOST {
                    let places = asked.block.places(asked.unpacker)?;
                    let wanted: Vec<(i64, u32)> = lines.iter().map(|line| places[*line as usize]).collect();
                    let rows = self.lines_of((source, kind), slug, &wanted, maker)?;
                    found.read += rows.len();
                    for (row, (record, at)) in rows.iter().zip(wanted) {
                        found.line(row, (source.code(), record, at));
                    }
                }
            }
        }
        Ok(())
    }

    /// Lines of records, made anew. Those of one record stand together in `wanted`.
    pub(super) fn lines_of(
        &mut self,
        (source, kind): (Source, SignalKind),
        project: &str,
        wanted: &[(i64, u32)],
        maker: &mut Maker<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let conn = self.conn;
        let sql = match source {
            Source::Parts => "SELECT id, first, rel, env, 0, z FROM part WHERE id=?1",
            Source::Items(_) => "SELECT id, ts, rel, env, user, z FROM item WHERE id=?1",
        };
        let mut statement = conn.prepare_cached(sql)?;
        let mut made = Vec::with_capacity(wanted.len());
        for lines in wanted.chunk_by(|a, b| a.0 == b.0) {
            let mut rows = statement.query([lines[0].0])?;
            let Some(row) = rows.next()? else { continue };
            let body = self.unpacker.body(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let Some(parsed) = Parsed::of(source, &body) else { continue };
            let mut all: Vec<Option<Row>> =
                maker.lines(kind, (&Stored::of(row)?, &parsed), project)?.into_iter().map(Some).collect();
            made.extend(lines.iter().filter_map(|(_, at)| all.get_mut(*at as usize)?.take()));
        }
        Ok(made)
    }
}

impl Asked<'_, '_> {
    /// The lines that all conditions hold for, and whether that is sure.
    fn fitting(
        &mut self,
        bounds: &ResolvedScope,
        environment: Option<&Json>,
        filter: &[Term],
    ) -> Result<(Vec<u32>, bool), StoreError> {
        let within = |time: &i64| (bounds.lo..=bounds.hi).contains(time);
        let mut verdicts: Vec<Verdict> =
            self.times.iter().map(|time| if within(time) { Verdict::Yes } else { Verdict::No }).collect();
        let mut narrow = |more: Vec<Verdict>| {
            for (verdict, more) in verdicts.iter_mut().zip(more) {
                match (*verdict, more) {
                    (Verdict::No, _) | (_, Verdict::Yes) => {}
                    (_, more) => *verdict = more,
                }
            }
        };
        if let Some(environment) = environment {
            narrow(self.each("environment", |value| value == environment)?);
        }
        for term in filter {
            narrow(self.term(term)?);
        }
        let sure = !verdicts.contains(&Verdict::Unknown);
        let lines = verdicts.iter().zip(0..).filter(|(verdict, _)| **verdict != Verdict::No).map(|(_, line)| line);
        Ok((lines.collect(), sure))
    }

    fn term(&mut self, term: &Term) -> Result<Vec<Verdict>, StoreError> {
        let yes = |holds: bool| if holds { Verdict::Yes } else { Verdict::No };
        let mut verdicts = match &term.test {
            Test::Field { field: Field::Timestamp, .. } => {
                let one = |time: &i64| test::one(&Row { ts: *time, ..Row::default() }, &term.test);
                self.times.iter().map(|time| yes(one(time))).collect()
            }
            test => {
                let mut verdicts = vec![Verdict::No; self.block.len()];
                for key in test::keys_of(test) {
                    let holds = |value: &Json| {
                        let values = [(canonical(&key).to_owned(), value.clone())].into_iter().collect();
                        test::one(&Row { ts: 0, values }, test)
                    };
                    for (verdict, more) in verdicts.iter_mut().zip(self.each(&key, holds)?) {
                        *verdict = match (*verdict, more) {
                            (Verdict::Yes, _) | (_, Verdict::Yes) => Verdict::Yes,
                            (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
                            _ => Verdict::No,
                        };
                    }
                }
                verdicts
            }
        };
        for verdict in verdicts.iter_mut().filter(|_| term.negated) {
            *verdict = match verdict {
                Verdict::Yes => Verdict::No,
                Verdict::No => Verdict::Yes,
                Verdict::Unknown => Verdict::Unknown,
            };
        }
        Ok(verdicts)
    }

    /// Whether a key's value in each line is one that `holds`; a line without one has none.
    fn each(&mut self, key: &str, holds: impl Fn(&Json) -> bool) -> Result<Vec<Verdict>, StoreError> {
        let yes = |holds: bool| if holds { Verdict::Yes } else { Verdict::No };
        let n = self.block.len();
        Ok(match self.column(key)? {
            Column::None => vec![Verdict::No; n],
            Column::Elsewhere => vec![Verdict::Unknown; n],
            Column::Values(values, of) => {
                let each: Vec<Verdict> =
                    std::iter::once(Verdict::No).chain(values.iter().map(|value| yes(holds(value)))).collect();
                of.iter().map(|code| each[*code as usize]).collect()
            }
            Column::Numbers(numbers) => numbers.iter().map(|value| yes(value.as_ref().is_some_and(&holds))).collect(),
        })
    }

    /// The column of a key by its own name or another for the same, as `Row::get` looks it up.
    fn column(&mut self, key: &str) -> Result<Column, StoreError> {
        let name = canonical(key);
        if name == "project" {
            return Ok(Column::Values(vec![self.project.into()], vec![1; self.block.len()]));
        }
        let found = self.block.column(name, self.unpacker)?;
        if name == key {
            return Ok(found);
        }
        Ok(match (found, self.block.column(key, self.unpacker)?) {
            (found, Column::None) => found,
            (Column::None, other) => other,
            _ => Column::Elsewhere,
        })
    }

    /// A column as codes; `None`: it is not kept.
    fn codes(&mut self, key: &str) -> Result<Option<Codes>, StoreError> {
        if key == "timestamp" {
            return Ok(Some(Codes::of_each(self.times.iter().map(|time| Some((*time).into())))));
        }
        Ok(match self.column(key)? {
            Column::None => Some(Codes { values: Vec::new(), of: vec![0; self.block.len()] }),
            Column::Elsewhere => None,
            Column::Values(values, of) => Some(Codes { values, of }),
            Column::Numbers(numbers) => {
                // Each its own: nothing is gained by looking for equal ones.
                let of = numbers.iter().scan(0, |next, number| {
                    *next += u32::from(number.is_some());
                    Some(if number.is_some() { *next } else { 0 })
                });
                Some(Codes { of: of.collect(), values: numbers.into_iter().flatten().collect() })
            }
        })
    }

    /// Adds lines to what is found; false: a column that is needed is not kept.
    fn answer(&mut self, lines: &[u32], place: Place, found: &mut Found<'_>) -> Result<bool, StoreError> {
        let query = found.query;
        if let Some(groups) = &mut found.groups {
            let Some(columns) = self.columns(query)? else { return Ok(false) };
            groups.lines(lines, &columns);
            return Ok(true);
        }
        if !lines.iter().any(|line| found.may_show(self.times[*line as usize])) {
            found.total += lines.len() as u64;
            return Ok(true);
        }
        let places = self.block.places(self.unpacker)?;
        for line in lines {
            let (time, (record, at)) = (self.times[*line as usize], places[*line as usize]);
            found.hit(time, (place.source.code(), record, at), Hit::Packed(Place { record, at, ..place }));
        }
        Ok(true)
    }

    fn columns(&mut self, query: &SignalQuery) -> Result<Option<Columns>, StoreError> {
        let mut columns = Columns { by: Vec::new(), of: Vec::new(), failed: vec![false; self.block.len()] };
        for by in &query.group_by {
            let by = by.raw();
            let codes = match time_of(by, 0) {
                Some(_) => Some(Codes::of_each(self.times.iter().map(|time| time_of(by, *time)))),
                None => self.codes(by)?,
            };
            let Some(codes) = codes else { return Ok(None) };
            columns.by.push(codes);
        }
        for stat in &query.aggregate {
            let codes = match stat.key() {
                Some(key) => match self.codes(key.raw())? {
                    Some(codes) => Some(codes),
                    None => return Ok(None),
                },
                None => None,
            };
            columns.of.push(codes);
        }
        let bad_level = |value: &Json| matches!(value.as_str(), Some("error" | "fatal"));
        for verdicts in
            [self.each("status", |value| value.as_str().is_some_and(has_failed))?, self.each("level", bad_level)?]
        {
            if verdicts.contains(&Verdict::Unknown) {
                return Ok(None);
            }
            for (failed, verdict) in columns.failed.iter_mut().zip(verdicts) {
                *failed |= verdict == Verdict::Yes;
            }
        }
        Ok(Some(columns))
    }
}
