//! What `prodsignal doctor` says of symbols: files of native code that recent crashes ran through and that have none.

use std::collections::BTreeMap;

use super::parts;
use crate::{
    backend::embedded::EmbeddedStore,
    guard::{Guard, Limit},
    model::{Event, Project},
    store::{EventQuery, IssueQuery, IssueRef, IssueSort, Pick, Scope, SignalStore, StoreError},
};

/// Issues of a project whose newest event is looked at, and files that are named.
const ISSUES: usize = 20;
const FILES: usize = 10;

/// Names the files, those of most frames first.
pub fn run(store: &EmbeddedStore, projects: &[Project]) -> anyhow::Result<()> {
    for project in projects {
        let files = parts::block_on(missing(store, &project.slug))??;
        let mut files: Vec<((String, String), u64)> = files.into_iter().collect();
        files.sort_by_key(|(_, frames)| std::cmp::Reverse(*frames));
        let mut guard = Guard::new();
        for ((file, debug_id), frames) in files.into_iter().take(FILES) {
            let file = guard.line(&file.into(), Limit::Tag);
            let id = guard.line(&debug_id.into(), Limit::Tag);
            println!(
                "  symbols missing in {}: {}, debug id {}, for {frames} frames",
                project.slug,
                file.as_str(),
                id.as_str()
            );
        }
    }
    Ok(())
}

/// Files with the frames that their symbols would name, by file and debug id.
pub(super) async fn missing(store: &EmbeddedStore, slug: &str) -> Result<BTreeMap<(String, String), u64>, StoreError> {
    let scope = Scope { project: Some(slug.into()), ..Scope::default() };
    let query = IssueQuery { scope: scope.clone(), sort: IssueSort::LastSeen, limit: ISSUES, ..IssueQuery::default() };
    let mut files = BTreeMap::new();
    for facts in store.issues(&query).await?.items {
        let issue = IssueRef::Named(facts.issue.short_id.as_str().into());
        let query = EventQuery { scope: scope.clone(), pick: Pick::Latest(issue), release: None, extras: false };
        match store.event(&query).await {
            Ok(found) => count(&found.event, &mut files),
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn count(event: &Event, files: &mut BTreeMap<(String, String), u64>) {
    let frames = event.exceptions.iter().flat_map(|exception| &exception.frames);
    for image in frames.filter(|frame| frame.line.is_none()).filter_map(|frame| frame.image.as_ref()) {
        if let (Some(file), Some(id)) = (image.package_name(), &image.debug_id) {
            *files.entry((file.to_owned(), id.raw().to_owned())).or_default() += 1;
        }
    }
}
