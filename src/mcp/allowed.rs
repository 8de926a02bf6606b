//! What the caller of a request may do: said by the gate of the transport, kept to here.

use std::sync::Arc;

use rmcp::{RoleServer, service::RequestContext};

use super::Server;
use crate::{
    store::{Lock, Locked, SignalWrite},
    tools::Ctx,
};

/// Who calls, whether they may change issues, and what they are held to.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// Whose token it was.
    pub who: Arc<str>,
    /// Whether issues may be changed.
    pub write: bool,
    /// What may be seen.
    pub lock: Lock,
}

impl Server {
    /// This server as a caller may use it.
    pub fn allowed(&self, allowed: &Allowed) -> Self {
        let mut server = self.clone();
        server.who = allowed.who.clone();
        server.signal.writes &= allowed.write;
        server.signal.lock = allowed.lock.clone();
        server
    }

    /// This server for one request: over HTTP each says anew who asks, over stdio it is the one who started it.
    pub(super) fn of_request(&self, context: &RequestContext<RoleServer>) -> Self {
        let parts = context.extensions.get::<http::request::Parts>();
        match parts.and_then(|parts| parts.extensions.get::<Allowed>()) {
            Some(allowed) => self.allowed(allowed),
            None => self.clone(),
        }
    }
}

/// What tools get, held to a lock.
pub(super) fn held(mut ctx: Ctx, lock: &Lock) -> Ctx {
    let named = |name: &Option<crate::model::Untrusted>| name.as_ref().map(|name| name.raw().to_owned());
    ctx.defaults.project = named(&lock.project).or(ctx.defaults.project);
    ctx.defaults.environment = named(&lock.environment).or(ctx.defaults.environment);
    ctx.defaults.locked = true;
    ctx.store = Arc::new(Locked::new(ctx.store, lock.clone()));
    ctx.writes = ctx.writes.map(|writes| Arc::new(Locked::new(writes, lock.clone())) as Arc<dyn SignalWrite>);
    ctx
}
