//! Scrolling and the size of the window.
//! It uses the page.
//! It never takes for the user's what the page scrolled by itself.

use super::Scene;
use crate::replay::{
    Action, Viewport,
    draft::{Draft, Log},
    event::{Data, pixels},
};

/// A pause of so many milliseconds ends one scrolling or resizing.
const PAUSE: i64 = 500;
/// What moves less than so many pixels is no step.
const LEAST: i64 = 40;
/// A page scrolls by itself within so many milliseconds of a click, a key or its load.
const ANSWER: i64 = 350;
/// A page that grew shorter scrolls at once.
const SHRUNK: i64 = 120;

impl Scene {
    pub(super) fn scroll(&mut self, data: &Data<'_>, at: i64, log: &mut Log) {
        let Some(id) = data.id else { return };
        let (x, y) = (pixels(data.x), pixels(data.y));
        let (old_x, old_y) = self.scrolled.insert(id, (x, y)).unwrap_or((0, 0));
        if let Some((_, nr)) = self.scrolling.filter(|(node, nr)| *node == id && at - log.drafts[*nr].until <= PAUSE) {
            log.drafts[nr].until = at;
            log.drafts[nr].action = Action::Scroll { x, y };
            return;
        }
        let answer = self.since_user(at, log) <= ANSWER;
        let shrunk = y < old_y && at.saturating_sub(self.last_change) <= SHRUNK;
        let little = (x - old_x).abs() < LEAST && (y - old_y).abs() < LEAST;
        let mut draft = Draft::new(at, self.tab, Action::Scroll { x, y });
        draft.node = Some(id);
        draft.target = self
            .dom
            .find(id)
            .filter(|nr| self.dom.is_element(*nr) && self.dom.tag(*nr) != "html")
            .map(|nr| self.dom.target(nr));
        draft.dropped = answer || shrunk || little;
        let nr = self.noted(draft, log);
        self.scrolling = Some((id, nr));
    }

    pub(super) fn resize(&mut self, data: &Data<'_>, at: i64, log: &mut Log) {
        let (Some(width), Some(height)) = (data.width, data.height) else { return };
        let viewport = Viewport { width: width as u32, height: height as u32 };
        if self.viewport == Some(viewport) {
            return;
        }
        self.viewport = Some(viewport);
        if let Some(nr) = self.resizing.filter(|nr| at - log.drafts[*nr].until <= PAUSE) {
            log.drafts[nr].until = at;
            log.drafts[nr].action = Action::Resize(viewport);
            return;
        }
        let nr = self.done(Draft::new(at, self.tab, Action::Resize(viewport)), log);
        self.resizing = Some(nr);
    }
}
