//! What an export tells that no envelope can carry.
//! It uses `serde`.
//! It never names a number of the store that wrote it, but for what people see: projects go by their slugs, users by
//! their pseudonyms, issues by one of their events.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A line of an export beside its envelopes: `{"release": {…}}`. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferRecord {
    /// A project, with the key that its SDKs send.
    Project(ProjectLine),
    /// What was said of a release: commits, deploys.
    Release(ReleaseLine),
    /// A script or its source map.
    Script(ScriptLine),
    /// A file with symbols, as lookups need it.
    DebugFile(DebugFileLine),
    /// What the scripts or symbols before it belong to: without it they are not kept.
    Upload(UploadLine),
    /// A part of an OpenTelemetry trace.
    Part(PartLine),
    /// Requests of an operation in an hour.
    Requests(RequestsLine),
    /// Who was active on a day, by sessions or requests.
    Active(ActiveLine),
    /// Who made requests on a day, by a tag.
    RequestTag(RequestTagLine),
    /// Whose sessions began in an hour, and with which browsers and systems.
    SessionUsers(SessionUsersLine),
    /// Errors that SDKs dropped in an hour.
    Dropped(DroppedLine),
    /// What was not stored on a day, and why.
    Outcome(OutcomeLine),
    /// The name of an issue, what is grouped into it, and what people and agents decided about it.
    Issue(IssueLine),
}

impl TransferRecord {
    /// The project that it is of; `None` for files, which name theirs at the end.
    pub fn project_mut(&mut self) -> Option<&mut String> {
        Some(match self {
            Self::Project(line) => &mut line.slug,
            Self::Release(line) => &mut line.project,
            Self::Part(line) => &mut line.place.project,
            Self::Requests(line) => &mut line.place.project,
            Self::Active(line) => &mut line.place.project,
            Self::SessionUsers(line) => &mut line.place.project,
            Self::Dropped(line) => &mut line.place.project,
            Self::RequestTag(line) => &mut line.project,
            Self::Outcome(line) => &mut line.project,
            Self::Issue(line) => &mut line.project,
            Self::Script(_) | Self::DebugFile(_) | Self::Upload(_) => return None,
        })
    }

    /// The names by which [`is_record`] knows a line.
    const NAMES: [&str; 13] = [
        "project",
        "release",
        "script",
        "debug_file",
        "upload",
        "part",
        "requests",
        "active",
        "request_tag",
        "session_users",
        "dropped",
        "outcome",
        "issue",
    ];

    /// Whether an object with this one key is such a line.
    pub fn is_name(key: &str) -> bool {
        Self::NAMES.contains(&key)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectLine {
    pub slug: String,
    pub number: i64,
    pub public_key: String,
    /// How many issues had a name so far: the next one gets the number after it. 0 before its issues are told.
    pub issues: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseLine {
    pub project: String,
    pub version: String,
    pub first: i64,
    pub last: i64,
    pub created: Option<i64>,
    pub released: Option<i64>,
    pub url: Option<String>,
    pub reference: Option<String>,
    /// The newest first.
    pub commits: Vec<CommitLine>,
    pub deploys: Vec<DeployLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommitLine {
    pub id: String,
    pub repository: Option<String>,
    pub author: Option<String>,
    pub at: Option<i64>,
    pub message: Option<String>,
    /// Changed files, as JSON.
    pub files: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeployLine {
    /// One number for a deploy of several projects.
    pub id: i64,
    pub environment: Option<String>,
    pub name: Option<String>,
    pub url: Option<String>,
    pub started: Option<i64>,
    pub at: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptLine {
    /// 0: a script, 1: its map.
    pub kind: i64,
    pub url: String,
    pub debug_id: Option<String>,
    pub map_reference: Option<String>,
    pub size: usize,
    pub content: Packed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DebugFileLine {
    pub debug_id: String,
    pub code_id: Option<String>,
    pub name: String,
    pub arch: String,
    pub format: String,
    pub kind: String,
    pub features: String,
    pub size: usize,
    pub parts: Vec<DebugPartLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DebugPartLine {
    pub kind: i64,
    pub path: Option<String>,
    pub content: Packed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UploadLine {
    /// SHA-1 of what was uploaded, hexadecimal.
    pub checksum: String,
    /// How many lines of files come before it.
    pub files: usize,
    pub at: i64,
    pub used: i64,
    pub uses: Vec<UploadUseLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UploadUseLine {
    pub project: String,
    pub release: String,
    pub dist: String,
    pub at: i64,
}

/// Where something was counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceLine {
    pub project: String,
    pub release: Option<String>,
    pub environment: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartLine {
    #[serde(flatten)]
    pub place: PlaceLine,
    /// A number that the parts of one trace share.
    pub trace: i64,
    pub first: i64,
    pub last: i64,
    pub received: i64,
    pub failing: bool,
    pub spans: u32,
    pub logs: u32,
    pub content: Packed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestsLine {
    #[serde(flatten)]
    pub place: PlaceLine,
    /// Hours since 1970.
    pub hour: i64,
    /// `None`: signs of use that are no request.
    pub operation: Option<String>,
    pub requests: u64,
    pub weight: f64,
    pub failed: u64,
    /// Steps of durations and how many took that long.
    pub durations: Packed,
    pub users: Vec<String>,
    /// A set of numbers that stand for sessions.
    pub sessions: Packed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveLine {
    #[serde(flatten)]
    pub place: PlaceLine,
    /// Days since 1970.
    pub day: i64,
    /// As the store writes it: 1 sessions, 2 requests.
    pub kind: i64,
    pub quantity: i64,
    pub first: i64,
    pub last: i64,
    pub users: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestTagLine {
    pub project: String,
    pub environment: Option<String>,
    /// Days since 1970.
    pub day: i64,
    /// `None`: all requests whose tags are known.
    pub tag: Option<String>,
    /// Users by value; `None`: too many values.
    pub values: Option<Vec<(Option<String>, Vec<String>)>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionUsersLine {
    #[serde(flatten)]
    pub place: PlaceLine,
    /// Hours since 1970.
    pub hour: i64,
    pub users: Vec<String>,
    /// Users by what their user agent says: tags, a line each.
    pub agents: Vec<(String, Vec<String>)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DroppedLine {
    #[serde(flatten)]
    pub place: PlaceLine,
    /// Hours since 1970.
    pub hour: i64,
    pub errors: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeLine {
    pub project: String,
    /// Days since 1970.
    pub day: i64,
    pub item: String,
    pub outcome: String,
    pub reason: String,
    pub quantity: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssueLine {
    pub project: String,
    pub short_id: String,
    /// An event of the issue, and when it was.
    pub event: String,
    pub timestamp: i64,
    /// Hashes by which its events are grouped, hexadecimal.
    pub groups: Vec<String>,
    /// As the store writes it: 0 unresolved, 1 resolved, 2 ignored.
    pub status: i64,
    pub resolved_at: Option<i64>,
    pub resolved_in: Option<String>,
    pub resolved_after: Option<String>,
    pub assignee: Option<String>,
    pub comments: Vec<CommentLine>,
    pub claim: Option<ClaimLine>,
    /// Fixes that are watched after their release.
    pub fixes: Vec<FixLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommentLine {
    pub at: i64,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimLine {
    pub who: String,
    pub at: i64,
    pub until: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixLine {
    pub release: String,
    pub environment: String,
    pub until: i64,
    pub verdict: Option<String>,
}

/// Bytes as the store keeps them; base64 in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed(pub Vec<u8>);

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        BASE64_STANDARD.decode(text).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_known_by_its_name() {
        let lines = [
            r#"{"project":{"slug":"shop","number":1,"public_key":"00","issues":0}}"#,
            r#"{"dropped":{"project":"shop","release":null,"environment":"production","hour":4,"errors":2}}"#,
            r#"{"issue":{"project":"shop","short_id":"SHOP-4K","event":"00","timestamp":1,"groups":[],"status":2,"resolved_at":null,"resolved_in":null,
                "resolved_after":null,"assignee":null,"comments":[],"claim":null,"fixes":[]}}"#,
        ];
        for line in lines {
            let record: TransferRecord = serde_json::from_str(line).unwrap();
            let written = serde_json::to_value(&record).unwrap();
            let name = written.as_object().unwrap().keys().next().unwrap().clone();
            assert!(TransferRecord::is_name(&name), "{name}");
            assert_eq!(serde_json::from_value::<TransferRecord>(written).unwrap(), record);
        }
        let unknown = serde_json::from_str::<TransferRecord>(r#"{"nothing":{}}"#).unwrap_err().to_string();
        for name in TransferRecord::NAMES {
            assert!(unknown.contains(&format!("`{name}`")), "{name} in {unknown}");
        }
    }
}
