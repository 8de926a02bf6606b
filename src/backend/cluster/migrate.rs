//! The tables of both databases, made and brought up to date.
//! It uses `tokio_postgres` and ClickHouse's statements.
//! It never touches tables of a format that it does not know.

use super::{clickhouse::ClickHouse, fault::corrupt, postgres::Lent};
use crate::store::StoreError;

/// Steps of the format, each with what PostgreSQL and what ClickHouse is told. ClickHouse's can be told twice.
const STEPS: [(&str, &str); 1] = [(include_str!("sql/postgres_001.sql"), include_str!("sql/clickhouse_001.sql"))];

/// Newest format that this version knows.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// Held while tables are changed: any number, so long as all processes have the same.
const LOCK: i64 = 0x7072_6f64_7369_676d;

/// Brings both databases to this version's format, one process at a time, and gives the key of pseudonyms.
pub(super) async fn ready(lent: &Lent, clickhouse: &ClickHouse) -> Result<[u8; 32], StoreError> {
    if format(lent).await? != KNOWN {
        lent.begin().await?;
        lent.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        steps(lent, clickhouse).await?;
        lent.commit().await?;
    }
    let row = lent.query_one("SELECT value FROM meta WHERE key='pseudonym_key'", &[]).await?;
    row.get::<_, Vec<u8>>(0).try_into().map_err(|_| corrupt("key of pseudonyms"))
}

/// The format that the store has; 0: there is none yet.
async fn format(lent: &Lent) -> Result<i64, StoreError> {
    let made: bool = lent.query_one("SELECT to_regclass('meta') IS NOT NULL", &[]).await?.get(0);
    if !made {
        return Ok(0);
    }
    let row = lent.query_opt("SELECT convert_from(value, 'UTF8') FROM meta WHERE key='format'", &[]).await?;
    let found = row.and_then(|row| row.get::<_, String>(0).parse().ok()).unwrap_or(0);
    if found > KNOWN {
        return Err(StoreError::Newer { found, known: KNOWN });
    }
    Ok(found)
}

async fn steps(lent: &Lent, clickhouse: &ClickHouse) -> Result<(), StoreError> {
    lent.batch_execute("CREATE TABLE IF NOT EXISTS meta(key text PRIMARY KEY, value bytea NOT NULL)").await?;
    // Another process may have been quicker.
    let from = usize::try_from(format(lent).await?).unwrap_or(0);
    for (postgres, statements) in STEPS.iter().skip(from) {
        lent.batch_execute(postgres).await?;
        for statement in statements_of(statements) {
            clickhouse.run(&statement).await?;
        }
    }
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|error| StoreError::Engine { context: "random bytes", source: error.into() })?;
    let sql = "INSERT INTO meta(key, value) VALUES('pseudonym_key', $1) ON CONFLICT DO NOTHING";
    lent.execute(sql, &[&&key[..]]).await?;
    let sql = "INSERT INTO meta(key, value) VALUES('format', convert_to($1, 'UTF8'))
               ON CONFLICT(key) DO UPDATE SET value=excluded.value";
    lent.execute(sql, &[&KNOWN.to_string()]).await?;
    Ok(())
}

/// The statements of a file, comments left out.
fn statements_of(file: &str) -> Vec<String> {
    let code: String = file.lines().filter(|line| !line.starts_with("--")).flat_map(|line| [line, "\n"]).collect();
    code.split(";\n").map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_one_by_one() {
        let found = statements_of("-- a; comment\nCREATE a (\n  b);\n\nCREATE c;\n");
        assert_eq!(found, ["CREATE a (\n  b)", "CREATE c"]);
    }
}
