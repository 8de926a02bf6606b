//! Server-sent events: one for each change, which the page takes as a reason to ask for itself anew.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, stream};

use super::App;

/// How often it is looked whether something was stored.
const LOOK: Duration = Duration::from_secs(2);

/// `GET /live`. It says that something changed, never what.
pub(super) async fn open(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut heard = app.server.news();
    heard.mark_unchanged();
    let stored = app.metrics.stored_so_far();
    let changes = stream::unfold((heard, stored, app), |(mut heard, mut stored, app)| async move {
        loop {
            tokio::select! {
                () = app.end.cancelled() => return None,
                changed = heard.changed() => if changed.is_err() {
                    // Nobody keeps a feed: what is stored is still told.
                    tokio::time::sleep(LOOK).await;
                } else {
                    break;
                },
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = app.metrics.stored_so_far();
            if now != stored {
                stored = now;
                break;
            }
        }
        Some((Ok(Event::default().data("changed")), (heard, stored, app)))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
