//! The spans of a trace as a tree: where a record stands, which request it belongs to, and what that request called.

use std::collections::HashMap;

use super::part::{Part, SpanLine};

/// Longest way up that is followed: a ring of parents ends there.
const HIGHEST: usize = 256;

/// A span and the part that it came in.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) part: usize,
    pub(super) span: &'a SpanLine,
}

/// The spans of one trace, by their ids.
pub(super) struct Tree<'a> {
    parts: &'a [(u64, Part)],
    spans: HashMap<&'a str, Placed<'a>>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(parts: &'a [(u64, Part)]) -> Self {
        let each = parts
            .iter()
            .enumerate()
            .flat_map(|(part, (_, told))| told.spans.iter().map(move |span| (span.id.as_str(), Placed { part, span })));
        Self { parts, spans: each.collect() }
    }

    pub(super) fn get(&self, id: Option<&str>) -> Option<Placed<'a>> {
        self.spans.get(id?).copied()
    }

    fn service(&self, part: usize) -> &'a str {
        &self.parts[part].1.service
    }

    /// Spans of a service.
    pub(super) fn of_service(&self, service: &str) -> impl Iterator<Item = Placed<'a>> {
        let mut spans: Vec<Placed<'a>> =
            self.spans.values().copied().filter(|p| self.service(p.part) == service).collect();
        spans.sort_by(|a, b| (a.span.start, &a.span.id).cmp(&(b.span.start, &b.span.id)));
        spans.into_iter()
    }

    /// A span and those that it stands in, as far as they are known, whatever their service.
    pub(super) fn way_up(&self, from: Option<&str>) -> Vec<Placed<'a>> {
        let mut way = Vec::new();
        let mut at = self.get(from);
        while let Some(placed) = at {
            way.push(placed);
            at = if way.len() < HIGHEST { self.get(placed.span.parent.as_deref()) } else { None };
        }
        way
    }

    /// The span by which a service was asked for what failed: of a request or a message, else the root. `None`: it is not
    /// known yet. Where the record's own span is not known, the only one that there is.
    pub(super) fn entry(&self, service: &str, span: Option<&str>) -> Option<Placed<'a>> {
        let way = self.way_up(span);
        if way.is_empty() {
            let mut all = self.of_service(service).filter(|p| p.span.is_served() || p.span.parent.is_none());
            return all.next().filter(|_| all.next().is_none());
        }
        let own: Vec<_> = way.iter().take_while(|p| self.service(p.part) == service).copied().collect();
        if let Some(served) = own.iter().find(|p| p.span.is_served()) {
            return Some(*served);
        }
        let top = own.last()?;
        (top.span.parent.is_none() || way.len() > own.len()).then_some(*top)
    }

    /// Whether a request that was made within this one, of another service or of the same, failed where it was served.
    pub(super) fn callee_failed(&self, entry: &SpanLine) -> bool {
        let failed = |p: &&Placed<'a>| p.span.is_served() && p.span.has_failed() && p.span.id != entry.id;
        self.spans.values().filter(failed).any(|p| {
            let way = self.way_up(p.span.parent.as_deref());
            way.iter().any(|above| above.span.id == entry.id)
        })
    }

    /// The spans below one, of its own service, with how deep each stands.
    pub(super) fn below(&self, entry: &SpanLine, service: &str) -> Vec<(usize, Placed<'a>)> {
        let deep = |p: Placed<'a>| {
            let way = self.way_up(Some(&p.span.id));
            way.iter().position(|above| above.span.id == entry.id).map(|depth| (depth, p))
        };
        self.of_service(service).filter_map(deep).collect()
    }
}

/// Whether the program began by itself what an entry span is part of: up to the root, which follows from nothing, no span serves
/// a request, and nothing tells of a session or of a device that a person uses.
pub(super) fn is_by_job(entry: Placed<'_>, parts: &[(u64, Part)]) -> bool {
    let way = Tree::new(parts).way_up(Some(&entry.span.id));
    let requested = |key: &str| key.starts_with("http.") || key.starts_with("url.") || key.starts_with("rpc.");
    let by_itself = |placed: &Placed<'_>| {
        let (span, part) = (placed.span, &parts[placed.part].1);
        let used = |key: &str| key.starts_with("browser.") || key.starts_with("device.");
        matches!(span.kind.as_str(), "internal" | "consumer" | "producer")
            && span.session.is_none()
            && !span.attributes.keys().any(|key| requested(key))
            && part.platform != "javascript"
            && !part.resource.keys().any(|key| used(key))
    };
    let begun = way.last().is_some_and(|root| root.span.parent.is_none() && !root.span.linked);
    begun && way.iter().all(by_itself)
}
