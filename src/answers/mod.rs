//! What every store of our own answers alike: which issues are listed, what changed about them, in which order, which
//! releases there are. The rules are here, once; a store counts.
//! It uses the floors below.
//! It never says where the numbers lie: it asks [`Facts`].

mod cell;
mod facts;
mod issues;
mod judge;
mod named;
mod near;
mod pattern;
mod release_list;
mod releases;
mod scope;
mod terms;
mod time;
mod traffic;

pub(crate) use cell::DayCount;
pub(crate) use facts::{Active, Activity, Counts, Crashed, Facts, KnownIssue, SpokenOf};
pub(crate) use issues::{Subject, issue, issues};
pub(crate) use judge::Judge;
pub(crate) use named::{environments, meant_issue};
pub(crate) use pattern::{allows, text_fits, times_of};
pub(crate) use release_list::{added, releases};
pub(crate) use releases::{ReleaseRow, Releases, first_and_last, known_releases};
pub(crate) use scope::{EventFilter, ResolvedScope, resolve};
pub(crate) use terms::{Filter, Of, fitting, levels_of, ready, truth_of};
pub(crate) use time::{DAY_US, HOUR_US, day_of, hour_of, micros, moment};
pub(crate) use traffic::Traffic;
