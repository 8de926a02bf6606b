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
    "dbapierror",
    "badrequesterror",
    "internalerror",
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
    "queryfailederror",
    "replyerror",
    "internalservererrorexception",
    "badrequestexception",
    "badgatewayexception",
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
    "psqlexception",
    "jedisdataexception",
    "jedisexception",
    "mongocommandexception",
    "mongoexception",
    "mongowriteexception",
    "sqliteexception",
    "batchupdateexception",
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
    "redisserverexception",
    "redisexception",
    "postgresexception",
    "npgsqlexception",
    "mysqlexception",
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
    "commanderror",
    "argumenterror",
    "standarderror",
    "badresponse",
    "statementinvalid",
    "httpserverexception",
    "httpclientexception",
    "badstatus",
    "unexpectedstatus",
    // PHP
    "soapfault",
    "mysqli_sql_exception",
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
    "nowraperror",
    "rooterror",
    "oopserror",
    "merryerr",
    "errort",
    "operror",
    "mysqlerror",
    "pgerror",
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
    // Rust
    "report",
    // Elixir
    "erlangerror",
    "connectionerror",
    // Dart, Flutter
    "databaseexception",
    "postgrestexception",
    "firebaseexception",
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
    // Rust's error of any kind: `Box<dyn core::error::Error + Send + Sync>`.
    if ty.contains("dyn ") && ty.contains("error::Error") {
        return true;
    }
    GENERIC.contains(&short_type(ty).to_ascii_lowercase().as_str())
}

/// `java.lang.IllegalStateException` → `IllegalStateException`, `*errors.errorString` → `errorString`.
pub(super) fn short_type(ty: &str) -> &str {
    ty.rsplit(['.', ':', '\\', '*', '$']).next().unwrap_or(ty)
}

/// The type without the place that PHP writes after an anonymous class: `RuntimeException@anonymous/srv/rel/1/a.php:12$0`.
pub(super) fn lasting(ty: &str) -> &str {
    let mark = "@anonymous";
    ty.find(mark).map_or(ty, |at| &ty[..at + mark.len()])
}

/// Whether a build made the type's name up: Dart's `minified:xY`, and one or two letters in frames that were obfuscated.
pub(super) fn is_made_up(ty: &str, obfuscated: bool) -> bool {
    // R8's `k3.b`: no package that people write is so short in all its parts.
    let short = |part: &str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let renamed = ty.contains('.') && ty.split('.').all(short);
    // Bundlers and R8 name classes `t` and `c0`; nobody writes such a type.
    let lone = !ty.contains(['.', ':', '\\', '*']) && short(ty) && ty.starts_with(|c: char| c.is_ascii_lowercase());
    renamed || lone || ty.starts_with("minified:") || obfuscated && super::minified::is_minified_name(short_type(ty))
}

#[cfg(test)]
mod tests {
    use super::{is_generic, is_made_up, lasting};

    #[test]
    fn types_of_libraries_say_nothing_and_those_of_applications_do() {
        for ty in
            ["*errors.joinError", "AxiosError", "java.lang.RuntimeException", "SIGABRT / 0x0", "App\\Exception", ""]
        {
            assert!(is_generic(ty), "{ty}");
        }
        for ty in ["Box<dyn core::error::Error + Send + Sync>", "eyre::Report", "Redis::CommandError", "*net.OpError"] {
            assert!(is_generic(ty), "{ty}");
        }
        for ty in ["CouponError", "shop.CartException", "*billing.RateError"] {
            assert!(!is_generic(ty), "{ty}");
        }
        assert!(is_made_up("minified:a_v", false) && is_made_up("xY", true) && !is_made_up("xY", false));
        assert!(
            is_made_up("t", false)
                && is_made_up("c0", false)
                && !is_made_up("E42", false)
                && !is_made_up("*main.e", false)
        );
        assert!(is_made_up("k3.b", false) && !is_made_up("shop.b", false));
        assert_eq!(lasting("RuntimeException@anonymous\0/srv/rel/1/a.php:12$0"), "RuntimeException@anonymous");
    }
}
