//! Answers fit the official description of Sentry's Web API, which `PRODSIGNAL_SENTRY_OPENAPI` names.

use serde_json::{Value, json};

use super::{Api, shop};
use crate::program::Store;

const ORG: &str = "organizations/{organization_id_or_slug}/";
const PROJECT: &str = "projects/{organization_id_or_slug}/{project_id_or_slug}/";

/// Where answers differ from the description on purpose.
const ALLOWED: [(&str, &str, &str); 2] = [
    ("projects/{organization_id_or_slug}/{project_id_or_slug}/", "", "settings of a project are not kept"),
    (
        "projects/{organization_id_or_slug}/{project_id_or_slug}/issues/",
        "/metadata",
        "what is known of an issue's frame, not always a file's name",
    ),
];

/// The description of what `GET` answers with success, as a JSON Schema.
fn schema(description: &Value, path: &str) -> Value {
    let operation = &description["paths"][format!("/api/0/{path}")]["get"];
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{path} is not described");
    as_json_schema(schema)
}

/// `nullable` is a word of OpenAPI 3.0 alone.
fn as_json_schema(schema: &Value) -> Value {
    match schema {
        Value::Array(list) => list.iter().map(as_json_schema).collect(),
        Value::Object(map) => {
            let mut out: serde_json::Map<String, Value> =
                map.iter().map(|(key, value)| (key.clone(), as_json_schema(value))).collect();
            if out.remove("nullable") == Some(true.into()) {
                if let Some(values) = out.get_mut("enum").and_then(Value::as_array_mut) {
                    values.push(Value::Null);
                }
                if let Some(ty) = out.get("type").cloned() {
                    out.insert("type".into(), json!([ty, "null"]));
                }
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

struct Contract<'a> {
    api: Api<'a>,
    description: Value,
}

impl Contract<'_> {
    fn check(&self, path: &str, described: &str) -> Value {
        let answer = self.api.ok(path);
        let schema = schema(&self.description, described);
        let validator = jsonschema::validator_for(&schema).unwrap();
        for error in validator.iter_errors(&answer) {
            let place = error.instance_path().to_string();
            let allowed = ALLOWED.iter().any(|(of, part, _)| *of == described && place.contains(part));
            assert!(allowed, "{path} at {place}: {error}");
        }
        answer
    }
}

#[test]
#[cfg_attr(not(has_openapi), ignore = "needs PRODSIGNAL_SENTRY_OPENAPI: the path of the official description")]
fn answers_fit_the_official_description() {
    let file = std::env::var("PRODSIGNAL_SENTRY_OPENAPI").expect("PRODSIGNAL_SENTRY_OPENAPI names the description");
    let description = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let store = Store::new();
    let server = shop(&store);
    let api = Api { server: &server };
    let release =
        json!({ "version": "shop@9.0.0", "projects": ["shop-api"], "commits": [{ "id": "abc", "message": "m" }] });
    assert_eq!(api.send("POST", "organizations/acme/releases/", &release).status, 201);
    let deploy = json!({ "environment": "production" });
    assert_eq!(api.send("POST", "organizations/acme/releases/shop@9.0.0/deploys/", &deploy).status, 201);
    let contract = Contract { api, description };

    contract.check("organizations/", "organizations/");
    contract.check("organizations/acme/", ORG);
    let of_org = |path: &str, described: &str| {
        contract.check(&format!("organizations/acme/{path}"), &format!("{ORG}{described}"))
    };
    let of_project = |path: &str, described: &str| {
        contract.check(&format!("projects/acme/shop-api/{path}"), &format!("{PROJECT}{described}"))
    };
    of_org("projects/", "projects/");
    of_org("environments/", "environments/");
    of_org("releases/", "releases/");
    of_org("releases/shop%402.3.0/", "releases/{version}/");
    of_org("releases/shop@9.0.0/deploys/", "releases/{version}/deploys/");
    of_org("releases/shop@9.0.0/commits/", "releases/{version}/commits/");
    of_org("repos/", "repos/");
    let issues = of_org("issues/?query=&statsPeriod=14d&environment=production&sort=freq", "issues/");
    let issue = issues[0]["id"].as_str().unwrap();
    assert!(issues[0]["count"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    let details = of_org(&format!("issues/{issue}/"), "issues/{issue_id}/");
    assert!(!details["tags"].as_array().unwrap().is_empty(), "{details}");
    of_org(&format!("shortids/{}/", details["shortId"].as_str().unwrap()), "shortids/{issue_id}/");
    of_org(&format!("issues/{issue}/events/?full=true&per_page=2"), "issues/{issue_id}/events/");
    of_org(&format!("issues/{issue}/tags/release/"), "issues/{issue_id}/tags/{key}/");
    for which in ["latest", "oldest", "recommended"] {
        let event = of_org(&format!("issues/{issue}/events/{which}/"), "issues/{issue_id}/events/{event_id}/");
        of_org(&format!("eventids/{}/", event["eventID"].as_str().unwrap()), "eventids/{event_id}/");
    }
    let sessions = "sessions/?field=sum(session)&field=count_unique(user)&groupBy=release&groupBy=session.status&statsPeriod=14d&interval=1d";
    assert!(!of_org(sessions, "sessions/")["groups"].as_array().unwrap().is_empty());
    of_org("events/?dataset=errors&field=issue.id&field=release&field=count()&query=&sort=-count()", "events/");
    of_org("events-timeseries/?yAxis=count_unique(user)&interval=86400000&statsPeriod=14d", "events-timeseries/");
    of_org(&format!("replay-count/?query=issue.id:[{issue}]"), "replay-count/");
    of_org("replays/", "replays/");
    of_project("", "");
    of_project("environments/", "environments/");
    of_project("issues/?query=", "issues/");
    of_project("events/", "events/");
}
