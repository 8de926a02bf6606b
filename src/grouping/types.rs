//! Types that say nothing about what happened, because a library or the language throws them for anything.
//! Sources: the exception hierarchies of the languages' standard libraries; the documented errors of the clients and
//! frameworks that are named.

/// In small letters, without module and package.
const GENERIC: &[&str] = &[
    "",
    "error",
    "exception",
    "baseexception",
    "throwable",
    "panic",
    // Python
    "runtimeerror",
    "valueerror",
    "typeerror",
    "oserror",
    "ioerror",
    "environmenterror",
    "assertionerror",
    "systemexit",
    "systemerror",
    "requestexception",
    "httperror",
    "httpstatuserror",
    "httpexception",
    "clienterror",
    "botocoreerror",
    "calledprocesserror",
    "subprocesserror",
    "databaseerror",
    "operationalerror",
    "programmingerror",
    "rpcerror",
    "aiorpcerror",
    "_inactiverpcerror",
    "_multithreadedrendezvous",
    "googleapicallerror",
    "webdriverexception",
    "apistatuserror",
    // JavaScript
    "rangeerror",
    "unhandledrejection",
    "domexception",
    "axioserror",
    "fetcherror",
    "gaxioserror",
    "apierror",
    "apolloerror",
    "graphqlerror",
    "combinedgraphqlerrors",
    "clientfetcherror",
    "responseerror",
    "requesterror",
    "servererror",
    "statuscodeerror",
    "httperrorresponse",
    "httpresponseerror",
    "superagenterror",
    "firebaseerror",
    "systemexception",
    "nodeerror",
    "prismaclientknownrequesterror",
    "prismaclientunknownrequesterror",
    "prismaclientinitializationerror",
    "sequelizedatabaseerror",
    "mongoerror",
    "mongoservererror",
    "postgreserror",
    "sqliteerror",
    "javascriptexception",
    "nonerror",
    "stripeerror",
    "stripeapierror",
    "serviceexception",
    "trpcclienterror",
    "trpcerror",
    // Java, Kotlin, Scala
    "runtimeexception",
    "illegalargumentexception",
    "illegalstateexception",
    "ioexception",
    "sqlexception",
    "servletexception",
    "responsestatusexception",
    "httpclienterrorexception",
    "httpservererrorexception",
    "restclientexception",
    "restclientresponseexception",
    "webclientresponseexception",
    "feignexception",
    "statusruntimeexception",
    "statusexception",
    "apiexception",
    "amazonserviceexception",
    "awsserviceexception",
    "sdkclientexception",
    "clientrequestexception",
    "serverresponseexception",
    "unsupportedoperationexception",
    // .NET
    "invalidoperationexception",
    "argumentexception",
    "applicationexception",
    "httprequestexception",
    "webexception",
    "rpcexception",
    "dbupdateexception",
    "externalexception",
    "comexception",
    "win32exception",
    "notsupportedexception",
    // Ruby
    "argumenterror",
    "standarderror",
    "badresponse",
    "statementinvalid",
    "httpserverexception",
    "httpclientexception",
    "badstatus",
    "unexpectedstatus",
    // PHP
    "errorexception",
    "logicexception",
    "domainexception",
    "unexpectedvalueexception",
    "pdoexception",
    "driverexception",
    "clientexception",
    "serverexception",
    "badresponseexception",
    "transportexception",
    // Go
    "errorstring",
    "wraperror",
    "wraperrors",
    "fundamental",
    "withstack",
    "withmessage",
    "joinerror",
    "multierror",
    "plainerror",
    "requestfailure",
    "operationerror",
    "genericapierror",
    "leaferror",
    "withprefix",
    "barriererr",
    // Dart, Flutter
    "_exception",
    "stateerror",
    "fluttererror",
    "platformexception",
    "missingpluginexception",
    "dioexception",
    "dioerror",
    "clientexceptionwithsocketexception",
    // Apple
    "nserror",
    "nsexception",
    "nsgenericexception",
    "nsinternalinconsistencyexception",
    "nsinvalidargumentexception",
    "exc_breakpoint",
    "exc_crash",
    "fatal error",
    // Native
    "sigabrt",
    "sigtrap",
    "logic_error",
    "runtime_error",
    "system_error",
    "assertion failed",
];

/// Whether a type says nothing about what happened.
pub(super) fn is_generic(ty: &str) -> bool {
    // `SIGABRT / 0x0`: the second half is the signal's code.
    let ty = ty.split(" / ").next().unwrap_or(ty);
    GENERIC.contains(&short_type(ty).to_ascii_lowercase().as_str())
}

/// `java.lang.IllegalStateException` → `IllegalStateException`, `*errors.errorString` → `errorString`.
pub(super) fn short_type(ty: &str) -> &str {
    ty.rsplit(['.', ':', '\\', '*', '$']).next().unwrap_or(ty)
}

/// Whether a build made the type's name up: Dart's `minified:xY`, and one or two letters in frames that were obfuscated.
pub(super) fn is_made_up(ty: &str, obfuscated: bool) -> bool {
    ty.starts_with("minified:") || obfuscated && super::minified::is_minified_name(short_type(ty))
}

#[cfg(test)]
mod tests {
    use super::{is_generic, is_made_up};

    #[test]
    fn types_of_libraries_say_nothing_and_those_of_applications_do() {
        for ty in
            ["*errors.joinError", "AxiosError", "java.lang.RuntimeException", "SIGABRT / 0x0", "App\\Exception", ""]
        {
            assert!(is_generic(ty), "{ty}");
        }
        for ty in ["CouponError", "shop.CartException", "*billing.RateError"] {
            assert!(!is_generic(ty), "{ty}");
        }
        assert!(is_made_up("minified:a_v", false) && is_made_up("xY", true) && !is_made_up("xY", false));
    }
}
