//! Go: what the SDK could not tell.
//! Sources: getsentry/sentry-go `stacktrace.go` (in-app by comparison with GOROOT, runtime frames left out), cmd/go's
//! `-trimpath` (files begin with `module@version`), golang/go `ClosureName`.

use super::Stack;
use crate::model::{Frame, Untrusted};

pub(super) fn settle(frames: &mut [Frame], stack: &Stack<'_>) {
    // Built with -trimpath nothing is in-app: the SDK compares with a GOROOT that is empty then.
    if frames.iter().all(|frame| !frame.in_app) {
        frames.iter_mut().filter(|frame| is_own(frame, stack)).for_each(|frame| frame.in_app = true);
    }
    name_closures(frames);
    recovering(frames, stack);
}

fn module(frame: &Frame) -> &str {
    frame.module.as_ref().map_or("", Untrusted::raw)
}

fn function(frame: &Frame) -> &str {
    frame.function.as_ref().map_or("", Untrusted::raw)
}

/// Packages of the standard library have no dot in the first part of their path; files of libraries carry a version.
fn is_own(frame: &Frame, stack: &Stack<'_>) -> bool {
    let module = module(frame);
    let first = module.split('/').next().unwrap_or("");
    let file = frame.file.as_ref().or(frame.abs_path.as_ref()).map_or("", Untrusted::raw);
    let library = stack.libraries.iter().any(|name| {
        module.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
    });
    (first == "main" || first.contains('.')) && !file.contains("@v") && !file.contains("/vendor/") && !library
}

/// `func1` below `partner` is `partner.func1`.
fn name_closures(frames: &mut [Frame]) {
    for at in 0..frames.len().saturating_sub(1) {
        let (frame, around) = (&frames[at], &frames[at + 1]);
        let number = function(frame).strip_prefix("func");
        let bare = number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit() || c == '.'));
        if bare && module(frame) == module(around) && !function(around).is_empty() {
            frames[at].function = Some(format!("{}.{}", function(around), function(frame)).into());
        }
    }
}

/// A panic is read where it is recovered: in a function that `defer` runs on top of the one that panicked. It is known
/// as a closure of a function that stands below it, others between, or by its name where the runtime itself panicked.
fn recovering(frames: &mut [Frame], stack: &Stack<'_>) {
    let Some(top) = frames.iter().position(|frame| frame.in_app) else { return };
    let own = |frame: &&Frame| frame.in_app;
    if !frames[top + 1..].iter().any(|frame| own(&frame)) {
        return;
    }
    let around = function(&frames[top]).rsplit_once(".func").map(|(around, _)| around.to_owned());
    let deferred = around.is_some_and(|around| {
        frames.iter().skip(top + 2).any(|f| function(f) == around && module(f) == module(&frames[top]))
            && function(&frames[top + 1]) != around
    });
    let said = function(&frames[top]).to_ascii_lowercase();
    let named = stack.ty.starts_with("runtime.") && (said.contains("recover") || said.contains("panic"));
    if deferred || named {
        frames[top].in_app = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(module: &str, function: &str, file: &str, in_app: bool) -> Frame {
        Frame {
            module: Some(module.into()),
            function: Some(function.into()),
            file: Some(file.into()),
            in_app,
            ..Frame::default()
        }
    }

    fn own(frames: &[Frame]) -> Vec<&str> {
        frames.iter().filter(|f| f.in_app).map(|f| f.function.as_ref().unwrap().raw()).collect()
    }

    #[test]
    fn without_a_goroot_the_programs_own_packages_are_found() {
        let mut frames = vec![
            frame("github.com/pkg/errors", "New", "github.com/pkg/errors@v0.9.1/errors.go", false),
            frame("x.example/toll/web", "rate", "x.example/toll/web/web.go", false),
            frame("gopkg.in/lib", "Run", "gopkg.in/lib/run.go", false),
            frame("main", "main", "x.example/toll/main.go", false),
            frame("net/http", "serve", "net/http/server.go", false),
        ];
        let libraries = ["gopkg.in/lib".to_owned()];
        settle(&mut frames, &Stack { platform: "go", ty: "", libraries: &libraries });
        assert_eq!(own(&frames), ["rate", "main"]);
    }

    #[test]
    fn the_function_that_recovers_is_plumbing_and_a_callback_is_not() {
        let stack = |functions: &[&str], ty: &str| {
            let mut frames: Vec<Frame> = functions.iter().map(|f| frame("main", f, "/src/main.go", true)).collect();
            settle(&mut frames, &Stack { platform: "go", ty, libraries: &[] });
            own(&frames).join(" ")
        };
        assert_eq!(
            stack(&["keeper.func1", "cut", "main.func6", "keeper", "run"], "runtime.boundsError"),
            "cut main.func6 keeper run"
        );
        assert_eq!(stack(&["func1", "partner", "run"], "*errors.errorString"), "partner.func1 partner run");
        assert_eq!(stack(&["handlePanic", "cut", "run"], "runtime.errorString"), "cut run");
        assert_eq!(stack(&["recoverOrder", "run"], "*shop.Lost"), "recoverOrder run");
    }
}
