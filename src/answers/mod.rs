//! What every store of our own answers alike: which issues are listed, what changed about them, in which order, which
//! releases there are. The rules are here, once; a store counts.
//! It uses the floors below.
//! It never says where the numbers lie: it asks [`Facts`].

mod affected;
mod body;
mod cell;
mod extras;
mod facts;
mod fields;
mod fix;
mod issues;
mod judge;
mod life;
mod mention;
mod named;
mod near;
mod pattern;
mod release_list;
mod releases;
mod scope;
mod session;
mod slug;
mod terms;
mod time;
mod trace;
mod traffic;
mod trend;
mod versions;

pub(crate) use affected::{
    ALL_RELEASES, ENOUGH, EVENTS_ALONE, EVENTS_AND_REQUESTS, MOST_EVENTS, MOST_VALUES, NOBODY_NAMED, REQUESTS_TOO,
    TAGS, VALUES, releases_around,
};
pub(crate) use body::json_to_event;
pub(crate) use cell::DayCount;
pub(crate) use extras::{log_line, message_of};
pub(crate) use facts::{Active, Activity, Counts, Crashed, Facts, KnownIssue, SpokenOf};
pub(crate) use fields::{crash_frame, of_issue};
pub(crate) use fix::{
    LEAST_USERS, MOST_CANDIDATES, MOST_CONDITIONS, OF_THE_ISSUE, PRESENT_H, RECURRENCES, SHARED, Sided, likeness_of,
    said_of_sampling,
};
pub(crate) use issues::{Subject, issue, issues};
pub(crate) use judge::Judge;
pub(crate) use life::life;
pub(crate) use mention::{MENTIONS, Mention, like, mentions};
pub(crate) use named::{environments, meant_issue};
pub(crate) use pattern::{allows, text_fits, times_of};
pub(crate) use release_list::{added, releases};
pub(crate) use releases::{ReleaseRow, Releases, first_and_last, known_releases};
pub(crate) use scope::{EventFilter, ResolvedScope, resolve};
pub(crate) use session::{class, rank};
pub(crate) use slug::{SLUG_RULE, is_slug, same_key, short_id};
pub(crate) use terms::{Filter, Of, fitting, levels_of, ready, truth_of};
pub(crate) use time::{DAY_US, HOUR_US, day_of, hour_of, micros, moment};
pub(crate) use trace::{ANY, STACKS, Trace, digest64, keys_of};
pub(crate) use traffic::Traffic;
pub(crate) use trend::size_for;
pub(crate) use versions::{are_versions, families};
