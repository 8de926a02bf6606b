//! How often a place stands in stacks: what tells the frames of a cause from those that everything runs through.

/// How often a place stands in stacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameStats {
    /// Equal for equal functions, whatever the build.
    pub key: i64,
    /// Share of the issue's events whose stack has it, 0 to 1.
    pub share: f64,
    /// Over the project, the function.
    pub function: IssueFrequency,
    /// Over the project, any function of its file.
    pub file: IssueFrequency,
    /// The path says by custom that many callers share it: `lib`, `helpers` …
    pub shared_by_name: bool,
    /// It has a name that says which function it is.
    pub named: bool,
}

/// In how many issues of a project something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct IssueFrequency {
    /// Issues with it in a stack.
    pub issues: u64,
    /// Of these, issues in which it is nearest to the crash.
    pub near: u64,
}
