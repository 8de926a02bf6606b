//! Libraries that are missing or of another version, and upstreams that failed.

use super::{Row, row};

pub(super) const ROWS: &[Row] = &[
    row(
        "a package is not installed",
        &[
            "ModuleNotFoundError",
            "LoadError",
            "NoClassDefFoundError",
            "ClassNotFoundException",
            "PackageNotFoundError",
            "DistributionNotFound",
        ],
        &[
            "no module named",
            "cannot find module",
            "cannot find package",
            "module not found",
            "err_module_not_found",
            "cannot load such file",
            "could not load file or assembly",
            "no required module provides package",
            "class…not found",
            "interface…not found",
        ],
    ),
    row(
        "a package has another version than the code needs",
        &[
            "ImportError",
            "NoSuchMethodError",
            "NoSuchFieldError",
            "AbstractMethodError",
            "IncompatibleClassChangeError",
            "UnsupportedClassVersionError",
            "VersionConflict",
            "MissingMethodException",
            "TypeLoadException",
        ],
        &[
            "cannot import name",
            "does not provide an export named",
            "err_require_esm",
            "err_package_path_not_exported",
            "is not defined by \"exports\"",
            "compiled against a different node.js version",
            "size changed, may indicate binary incompatibility",
            "was removed in",
            "has been removed in",
            "no longer supported in version",
            "requires version",
            "peer dependency",
        ],
    ),
    row(
        "a native library is missing or doesn't fit",
        &["UnsatisfiedLinkError", "DllNotFoundException"],
        &[
            "err_dlopen_failed",
            "cannot open shared object file",
            "library not loaded",
            "undefined symbol",
            "invalid elf header",
            "glibc_",
            "glibcxx_",
            "dll load failed",
            "wrong elf class",
        ],
    ),
    row(
        "an upstream answered with a failure of its own",
        &[
            "ServiceUnavailable",
            "HTTPServerError",
            "BadGateway",
            "GatewayTimeout",
            "InternalServerException",
            "UpstreamError",
            "BulkheadFullException",
            "CallNotPermittedException",
        ],
        &[
            "status code 500",
            "status code 502",
            "status code 503",
            "status code 504",
            "status code: 500",
            "status code: 502",
            "status code: 503",
            "status code: 504",
            "status 500",
            "status 502",
            "status 503",
            "status 504",
            "500 server error",
            "502 server error",
            "503 server error",
            "504 server error",
            "server error '50",
            "http 500",
            "http 502",
            "http 503",
            "http 504",
            "bad gateway",
            "service unavailable",
            "service temporarily unavailable",
            "upstream connect error",
            "no healthy upstream",
            "circuit breaker is open",
            "circuit…is open",
        ],
    ),
];

/// A module that is named by its path is the application's own.
pub(super) fn is_own_file(text: &str) -> bool {
    ["cannot find module './", "cannot find module '../", "cannot find module '/"]
        .iter()
        .any(|start| text.contains(start))
}
