//! Which exceptions of a chain say something: a group of one kind of error, and wrappers without a word of their own,
//! give way to what they hold.
//! It uses `model` alone.
//! It never takes an application's own wrapper away.

use std::collections::HashSet;

use super::{frame, raw, saying, types};
use crate::model::Exception;

/// Wrappers that frameworks and languages put around what was thrown; they say nothing themselves.
const SHELL_TYPES: &[&str] = &[
    "InvocationTargetException",
    "UndeclaredThrowableException",
    "ExecutionException",
    "CompletionException",
    "ExceptionInInitializerError",
    "UndeliverableException",
    "OnErrorNotImplementedException",
    "JobCancellationException",
    "HandlerFailedException",
    "TargetInvocationException",
    "TypeInitializationException",
    "UnhandledPromiseRejection",
    "UnhandledRejection",
    "NonErrorException",
    "RemoteTraceback",
    "_RemoteTraceback",
    "ExceptionWithTraceback",
    "RetryError",
    "UnhandledError",
    "AsyncError",
    "ViewException",
    "EJBException",
    "EJBTransactionRolledbackException",
    "ReactiveException",
    "FunctionInvocationException",
];

/// Texts of such wrappers, by what they begin with.
const SHELL_TEXTS: &[&str] = &[
    // React: what it recovered from is the cause. Minified: 419, 422, 423, 520.
    "There was an error during concurrent rendering",
    "There was an error while hydrating",
    "The server could not finish this Suspense boundary",
    "Minified React error #419;",
    "Minified React error #422;",
    "Minified React error #423;",
    "Minified React error #520;",
    "Uncaught (in promise)",
    // Android
    "Unable to start activity ",
    "Unable to resume activity ",
    "Unable to pause activity ",
    "Unable to stop activity ",
    "Unable to destroy activity ",
    "Unable to instantiate ",
    "Unable to create service ",
    "Unable to start service ",
    "Unable to create application ",
    "Unable to start receiver ",
    "Error receiving broadcast ",
    "Failure delivering result ",
    "An error occurred while executing doInBackground()",
    // Servlets and Spring
    "Request processing failed",
    "Handler dispatch failed",
    "Filter execution threw an exception",
    // .NET, Twig, coroutines
    "One or more errors occurred",
    "Exception has been thrown by the target of an invocation",
    "An exception has been thrown during the rendering of a template",
    "Parent job is ",
    "All promises were rejected",
    "unhandled errors in a TaskGroup",
];

/// Types that gather others, in the languages and libraries that have them.
const GROUP_TYPES: &[&str] = &[
    "ExceptionGroup",
    "BaseExceptionGroup",
    "AggregateError",
    "AggregateException",
    "MultiError",
    "CompositeException",
    "CompositeError",
    "SuppressedError",
];

/// The exceptions that name an event, from the outermost to the root; never empty where there are any.
pub(super) fn naming<'e>(exceptions: &'e [Exception], same: &dyn Fn(&Exception) -> [u8; 16]) -> Vec<&'e Exception> {
    let all = without_groups(exceptions, same);
    let kept: Vec<&Exception> = (0..all.len()).filter(|at| !is_shell(&all, *at)).map(|at| all[at]).collect();
    if kept.is_empty() { all } else { kept }
}

/// The exceptions that an event is grouped by: a shell stays where it alone shows frames of the application.
pub(super) fn grouping<'e>(exceptions: &'e [Exception], same: &dyn Fn(&Exception) -> [u8; 16]) -> Vec<&'e Exception> {
    let all = without_groups(exceptions, same);
    let own = |exception: &Exception| exception.frames.iter().any(frame::is_own);
    let goes = |at: &usize| is_shell(&all, *at) && (!own(all[*at]) || all[at + 1..].iter().any(|inner| own(inner)));
    let kept: Vec<&Exception> = (0..all.len()).filter(|at| !goes(at)).map(|at| all[at]).collect();
    if kept.is_empty() { all } else { kept }
}

/// Groups whose members are all of one kind give way to one of these.
fn without_groups<'e>(exceptions: &'e [Exception], same: &dyn Fn(&Exception) -> [u8; 16]) -> Vec<&'e Exception> {
    let mut all: Vec<&Exception> = exceptions.iter().collect();
    let mut looked: HashSet<u64> = HashSet::new();
    loop {
        let next = all.iter().find_map(|e| e.mechanism.exception_id.filter(|id| is_group(e) && !looked.contains(id)));
        let Some(id) = next else { return all };
        looked.insert(id);
        let mut members: Vec<&Exception> = all.iter().filter(|e| e.mechanism.parent_id == Some(id)).copied().collect();
        members.sort_by_key(|member| member.mechanism.exception_id);
        let kinds: HashSet<[u8; 16]> = members.iter().map(|member| same(member)).collect();
        let nested = members.len() > 1 && members.iter().any(|member| member.mechanism.is_exception_group);
        if kinds.len() != 1 || nested {
            continue;
        }
        let others = members.iter().skip(1).filter_map(|member| member.mechanism.exception_id).collect();
        let mut gone = with_all_below(&all, others);
        gone.insert(id);
        all.retain(|exception| exception.mechanism.exception_id.is_none_or(|id| !gone.contains(&id)));
    }
}

/// Exceptions and all that hang below them.
fn with_all_below(all: &[&Exception], mut ids: HashSet<u64>) -> HashSet<u64> {
    for _ in 0..all.len() {
        let before = ids.len();
        for exception in all {
            if exception.mechanism.parent_id.is_some_and(|parent| ids.contains(&parent)) {
                ids.extend(exception.mechanism.exception_id);
            }
        }
        if ids.len() == before {
            break;
        }
    }
    ids
}

fn is_group(exception: &Exception) -> bool {
    let ty = raw(&exception.ty);
    exception.mechanism.is_exception_group && (GROUP_TYPES.contains(&types::short_type(ty)) || types::is_generic(ty))
}

/// Whether one of a chain says nothing that those inside it don't say.
fn is_shell(chain: &[&Exception], at: usize) -> bool {
    let (exception, inside) = (chain[at], &chain[at + 1..]);
    let Some(inner) = inside.first() else { return false };
    if exception.mechanism.is_exception_group {
        return false;
    }
    let (ty, value) = (raw(&exception.ty), raw(&exception.value).trim());
    SHELL_TYPES.contains(&types::short_type(ty))
        || SHELL_TEXTS.iter().any(|text| value.starts_with(text))
        || (types::is_generic(ty) && says_the_same(value, inner))
}

/// The text is the inner one's, with or without its type before it.
fn says_the_same(value: &str, inner: &Exception) -> bool {
    let (ty, said) = (raw(&inner.ty), raw(&inner.value).trim());
    if value.is_empty() || value == said && saying::says_something(said) {
        return true;
    }
    let rest = value.strip_suffix(said).map(|rest| rest.trim_end_matches([' ', ':']));
    rest.is_some_and(|rest| !rest.is_empty() && types::short_type(rest) == types::short_type(ty))
}
