//! Projects and the short names of their issues.
//! It uses `rusqlite`.
//! It never takes a slug that could not stand in a URL.

use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::writer::Writer;
use crate::{
    backend::embedded::{files::random_bytes, pack::moment},
    model::Project,
    store::StoreError,
};

/// The columns that [`project_of`] reads.
pub(in crate::backend::embedded) const COLUMNS: &str = "id, slug, name, public_key, platform, last_event";

/// A row as a project.
pub(in crate::backend::embedded) fn project_of(row: &Row<'_>) -> rusqlite::Result<Project> {
    Ok(Project {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get::<_, String>(2)?.into(),
        public_key: row.get(3)?,
        platform: row.get::<_, Option<String>>(4)?.map(Into::into),
        last_event: row.get::<_, Option<i64>>(5)?.map(moment),
    })
}

/// `SHOP-4K`: the slug and the number in base 32 without letters that look like digits.
pub(super) fn short_id(slug: &str, mut number: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(DIGITS[(number % 32) as usize]));
        number /= 32;
        if number == 0 {
            break;
        }
    }
    let digits: String = digits.into_iter().rev().collect();
    format!("{}-{digits}", slug.to_ascii_uppercase())
}

/// Whether a name may be a project's slug.
pub(super) fn is_slug(slug: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !slug.is_empty()
        && slug.len() <= 50
        && slug.chars().all(fits)
        && !slug.starts_with('-')
        && !slug.bytes().all(|b| b.is_ascii_digit())
}

impl Writer {
    /// The project of that slug, made if it isn't there.
    pub(in crate::backend::embedded) fn ensure_project(&mut self, slug: &str) -> Result<Project, StoreError> {
        if !is_slug(slug) {
            return Err(StoreError::Invalid(
                "a project's name has 1 to 50 lower-case letters, digits, '-' and '_', and is not a number",
            ));
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = format!("SELECT {COLUMNS} FROM project WHERE slug=?1");
        if let Some(project) = tx.query_row(&sql, [slug], project_of).optional()? {
            return Ok(project);
        }
        let key = format!("{:032x}", u128::from_be_bytes(random_bytes()?));
        // Above every number that was ever given: other processes remember those of projects that are gone.
        tx.execute(
            "INSERT INTO project(id, slug, name, public_key)
             SELECT 1 + coalesce(max(id), 0), ?1, ?1, ?2 FROM (SELECT id FROM project UNION ALL SELECT id FROM deleted_project)",
            params![slug, key],
        )?;
        let project = tx.query_row(&sql, [slug], project_of)?;
        tx.commit()?;
        Ok(project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_count_in_base_32() {
        let ids: Vec<_> = [1, 31, 32, 147].map(|n| short_id("shop", n)).into();
        assert_eq!(ids, ["SHOP-1", "SHOP-Z", "SHOP-10", "SHOP-4K"]);
    }

    #[test]
    fn slugs_can_stand_in_a_path_and_are_no_numbers() {
        assert!(["shop", "my-shop", "a1", "shop_eu"].into_iter().all(is_slug));
        assert!(!["", "12", "Shop", "a/b", "..", "-a", "ä"].into_iter().any(is_slug));
    }
}
