//! What `prodsignal doctor` reads off the newest events: files of native code that have no symbols, and senders' clocks that
//! are off.

use std::collections::BTreeMap;

use super::parts;
use crate::{
    backend::embedded::EmbeddedStore,
    guard::{Guard, Limit},
    model::{Event, Project, Untrusted, nameless_files},
    store::{EventQuery, IssueQuery, IssueRef, IssueSort, Pick, Scope, SignalStore, StoreError},
    symbol_server::WantedFile,
};

/// Issues of a project whose newest event is looked at, and files that are named.
const ISSUES: usize = 20;
const FILES: usize = 10;

/// Says it for each project.
pub fn run(store: &EmbeddedStore, projects: &[Project]) -> anyhow::Result<()> {
    for project in projects {
        let events = parts::block_on(newest(store, &project.slug))??;
        say_missing(&project.slug, &events);
        if let Some(said) = clocks(&events.iter().map(|event| event.clock_off_s).collect::<Vec<_>>()) {
            println!("  clocks in {}: {said}", project.slug);
        }
    }
    Ok(())
}

/// The newest event of each issue that was seen last.
async fn newest(store: &EmbeddedStore, slug: &str) -> Result<Vec<Event>, StoreError> {
    let scope = Scope { project: Some(slug.into()), ..Scope::default() };
    let query = IssueQuery { scope: scope.clone(), sort: IssueSort::LastSeen, limit: ISSUES, ..IssueQuery::default() };
    let mut events = Vec::new();
    for facts in store.issues(&query).await?.items {
        let issue = IssueRef::Named(facts.issue.short_id.as_str().into());
        let query = EventQuery { scope: scope.clone(), pick: Pick::Latest(issue), release: None, extras: false };
        match store.event(&query).await {
            Ok(found) => events.push(found.event),
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(events)
}

/// Files whose symbols recent crashes lack, each once.
pub(super) async fn missing(store: &EmbeddedStore, slug: &str) -> Result<Vec<WantedFile>, StoreError> {
    let events = newest(store, slug).await?;
    let mut files: Vec<WantedFile> = Vec::new();
    for file in events.iter().flat_map(|event| nameless_files(&event.exceptions)) {
        let text = |text: &Option<Untrusted>| text.as_ref().map(|text| text.raw().to_owned());
        let wanted = WantedFile {
            file: file.name.to_owned(),
            debug_file: text(file.debug_file),
            debug_id: file.debug_id.raw().to_owned(),
            code_id: text(file.code_id),
        };
        if !files.contains(&wanted) {
            files.push(wanted);
        }
    }
    Ok(files)
}

fn files_of(events: &[Event]) -> BTreeMap<(String, String), u64> {
    let mut files = BTreeMap::new();
    for file in events.iter().flat_map(|event| nameless_files(&event.exceptions)) {
        *files.entry((file.name.to_owned(), file.debug_id.raw().to_owned())).or_default() += file.frames;
    }
    files
}

/// Names the files without symbols, those of most frames first.
fn say_missing(project: &str, events: &[Event]) {
    let mut files: Vec<_> = files_of(events).into_iter().collect();
    files.sort_by_key(|(_, frames)| std::cmp::Reverse(*frames));
    let mut guard = Guard::new();
    for ((file, debug_id), frames) in files.into_iter().take(FILES) {
        let file = guard.line(&file.into(), Limit::Tag);
        let id = guard.line(&debug_id.into(), Limit::Tag);
        let frames = if frames == 1 { "1 frame".to_owned() } else { format!("{frames} frames") };
        println!("  symbols missing in {project}: {}, debug id {}, for {frames}", file.as_str(), id.as_str());
    }
}

/// How many of the events came from a clock that is off by so many seconds, and the worst; `None` where none did.
fn clocks(events: &[Option<i64>]) -> Option<String> {
    let off: Vec<i64> = events.iter().copied().flatten().collect();
    let worst = off.iter().copied().max_by_key(|off_s| off_s.unsigned_abs())?;
    let way = if worst > 0 { "ahead" } else { "behind" };
    Some(format!(
        "{} of the {} newest issues came last from a clock that is off, the worst {} min {way}; times were corrected. To do: \
         set those machines' clocks by NTP, and send times in UTC",
        off.len(),
        events.len(),
        worst.unsigned_abs().div_ceil(60)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_off_are_counted_and_the_worst_is_told() {
        assert_eq!(clocks(&[None, None]), None);
        let said = clocks(&[Some(3_700), None, Some(-7_200)]).unwrap();
        assert!(said.starts_with("2 of the 3 newest issues") && said.contains("120 min behind"), "{said}");
    }
}
