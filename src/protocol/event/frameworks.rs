//! Frameworks and libraries whose frames SDKs leave unmarked: known by the beginning of a module's or function's name.
//!
//! Names are those of published packages (Maven Central, NuGet, Hex, pub.dev); each ends where a name's part ends, so that
//! `akka.` is none of `akkad.shop`.

/// JVM: containers, frameworks, clients, runtimes of languages.
const JVM: &[&str] = &[
    "akka.",
    "arrow.core.",
    "brave.",
    "cats.data.",
    "cats.effect.",
    "ch.qos.logback.",
    "clojure.",
    "com.amazonaws.",
    "com.fasterxml.",
    "com.github.benmanes.caffeine.",
    "com.google.android.",
    "com.google.common.",
    "com.google.firebase.",
    "com.google.gson.",
    "com.google.inject.",
    "com.google.protobuf.",
    "com.mongodb.",
    "com.mysql.",
    "com.netflix.",
    "com.squareup.",
    "com.sun.",
    "com.zaxxer.",
    "dagger.",
    "dalvik.",
    "feign.",
    "graphql.",
    "groovy.",
    "io.grpc.",
    "io.javalin.",
    "io.ktor.",
    "io.lettuce.",
    "io.micrometer.",
    "io.micronaut.",
    "io.netty.",
    "io.opentelemetry.",
    "io.quarkus.",
    "io.reactivex.",
    "io.smallrye.",
    "io.undertow.",
    "io.vertx.",
    "jakarta.",
    "kotlinx.",
    "libcore.",
    "net.bytebuddy.",
    "net.sf.",
    "okhttp3.",
    "okio.",
    "oracle.jdbc.",
    "org.apache.",
    "org.aspectj.",
    "org.codehaus.",
    "org.eclipse.",
    "org.glassfish.",
    "org.h2.",
    "org.hibernate.",
    "org.http4s.",
    "org.jboss.",
    "org.jetbrains.",
    "org.jooq.",
    "org.junit.",
    "org.mockito.",
    "org.mybatis.",
    "org.postgresql.",
    "org.quartz.",
    "org.redisson.",
    "org.slf4j.",
    "org.springframework.",
    "org.thymeleaf.",
    "org.wildfly.",
    "play.api.",
    "play.core.",
    "play.libs.",
    "play.mvc.",
    "reactor.",
    "retrofit2.",
    "ring.adapter.",
    "ring.middleware.",
    "ring.util.",
    "rx.",
    "scala.",
    "software.amazon.",
    "zio.",
];

/// .NET: what is neither `System.` nor `Microsoft.`.
const DOTNET: &[&str] = &[
    "Android.",
    "AndroidX.",
    "Autofac.",
    "AutoMapper.",
    "Castle.",
    "Dapper.",
    "FluentValidation.",
    "Grpc.",
    "Hangfire.",
    "MassTransit.",
    "MediatR.",
    "MongoDB.",
    "Mono.",
    "MySqlConnector.",
    "NHibernate.",
    "NLog.",
    "Newtonsoft.",
    "Npgsql.",
    "Polly.",
    "Quartz.",
    "RabbitMQ.",
    "Sentry.",
    "Serilog.",
    "StackExchange.",
    "Swashbuckle.",
    "UnityEditor.",
    "UnityEngine.",
    "UniRx.",
    "Xamarin.",
    "Xunit.",
];

/// BEAM: Erlang's and Elixir's own modules, and the usual frameworks.
const BEAM: &[&str] = &[
    "Access.",
    "Agent.",
    "Bandit.",
    "Broadway.",
    "Cowboy.",
    "DBConnection.",
    "Ecto.",
    "Enum.",
    "Enumerable.",
    "GenServer.",
    "Kernel.",
    "Keyword.",
    "Map.",
    "Oban.",
    "Phoenix.",
    "Plug.",
    "Postgrex.",
    "Registry.",
    "Stream.",
    "String.",
    "Supervisor.",
    "Task.",
    "ThousandIsland.",
];

/// Modules of Erlang/OTP that stand around or below an application's own.
const OTP: &[&str] = &[
    "ets",
    "gen",
    "gen_event",
    "gen_server",
    "gen_statem",
    "lists",
    "maps",
    "proc_lib",
    "proplists",
    "rpc",
    "supervisor",
    "timer",
];

/// Whether a name is one of theirs. Other languages' modules may have the same names: they are told by their files.
pub(super) fn names(name: &str, platform: &str) -> bool {
    let lists: &[&[&str]] = match platform {
        "java" => &[JVM],
        "csharp" => &[DOTNET],
        "elixir" => &[BEAM],
        "" | "other" => &[JVM, DOTNET, BEAM],
        _ => &[],
    };
    let name = name.strip_prefix("Elixir.").unwrap_or(name);
    // A module by itself, or with what is in it.
    let starts = |start: &&&str| name.starts_with(**start) || Some(name) == start.strip_suffix('.');
    let is_otp = || OTP.contains(&name.trim_start_matches(':').split(['.', ':']).next().unwrap_or(""));
    lists.iter().copied().flatten().any(|start| starts(&start)) || platform == "elixir" && is_otp()
}

/// Whether a file is one of Dart's or Flutter's own, or of Erlang's: their SDKs name files by package.
pub(super) fn has_file(file: &str) -> bool {
    let module = file.rsplit('/').next().and_then(|name| name.strip_suffix(".erl"));
    module.is_some_and(|module| OTP.contains(&module))
        || ["package:flutter/", "package:sentry", "dart:", "org-dartlang-sdk:"]
            .iter()
            .any(|start| file.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_ends_with_a_part_and_stands_once() {
        for list in [JVM, DOTNET, BEAM] {
            for (at, entry) in list.iter().enumerate() {
                assert!(entry.ends_with('.'), "{entry}");
                assert!(!list[at + 1..].contains(entry), "{entry} stands twice");
            }
        }
    }

    #[test]
    fn frameworks_are_told_from_applications() {
        for name in [
            "org.springframework.web.servlet.DispatcherServlet",
            "kotlinx.coroutines.DispatchedTask",
            "akka.actor.ActorCell",
            "io.netty.channel.AbstractChannelHandlerContext",
            "Newtonsoft.Json.JsonConvert",
            "Phoenix.Router.__call__/2",
            "Elixir.Ecto.Repo",
            "Oban",
        ] {
            assert!(names(name, "other"), "{name}");
        }
        assert!(names("org.apache.Http", "java") && !names("org.apache.Http", "csharp"));
        assert!(!names("graphql.resolvers", "python"));
        assert!(names(":lists", "elixir") && names("gen_server", "elixir") && !names("Shop.Cart", "elixir"));
        for name in ["com.acme.shop.Till", "akkad.shop.Till", "orgs.Chart", "Reactor.Core.Pump", "Acme.Shop.Till"] {
            assert!(!names(name, "other"), "{name}");
        }
        assert!(has_file("package:flutter/src/widgets/framework.dart") && has_file("dart:async/zone.dart"));
        assert!(has_file("lists.erl") && !has_file("src/cart.erl"));
        assert!(!has_file("package:till/main.dart"));
    }
}
