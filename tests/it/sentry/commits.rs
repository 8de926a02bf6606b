//! Commits of releases of a Sentry server: which came between the last release without a bug and the first with it.

use prodsignal::store::{CommitQuery, Scope, SignalStore};
use serde_json::{Value, json};

use super::{
    double::{double, store},
    reading::{call, ctx},
};

/// What the double answers about commits.
pub fn answer(parts: &[&str]) -> Option<Value> {
    let ["organizations", "acme", "releases", version, what] = parts else { return None };
    let commit = |id: &str, message: &str| {
        json!({
            "id": id, "message": message, "dateCreated": "2026-11-15T08:00:00Z", "pullRequest": null,
            "suspectCommitType": "", "releases": [], "author": { "name": "K. Ode", "email": "k@example.com" },
            "repository": { "id": "1", "name": "acme/shop", "dateCreated": "2026-01-01T00:00:00Z" },
        })
    };
    // The service names a file's commit by its message alone.
    let file = |message: &str, path: &str| {
        json!({ "id": "1", "orgId": 1, "author": {}, "commitMessage": message, "filename": path, "type": "M",
            "repoName": "acme/shop", "dateCreated": "2026-11-15T08:00:00Z" })
    };
    let newer = version.replace("%40", "@") == "shop@2.3.0";
    Some(match (*what, newer) {
        ("commits", true) => json!([commit("c3", "Say less"), commit("c2", "Keep carts\n\nby ada@example.com")]),
        ("commits", false) => json!([commit("c1", "Begin")]),
        ("commitfiles", true) => json!([
            file("Say less", "README.md"),
            file("Keep carts\n\nby ada@example.com", "web/src/cart.js"),
            file("Keep carts\n\nby ada@example.com", "web/src/sum.js"),
        ]),
        ("commitfiles", false) => json!([]),
        _ => return None,
    })
}

fn query(after: Option<&str>, upto: &str) -> CommitQuery {
    CommitQuery { scope: Scope::default(), after: after.map(Into::into), upto: upto.into(), limit: 10 }
}

#[tokio::test]
async fn commits_since_a_release_come_with_their_files() {
    let server = double().await;
    let store = store(&server.uri(), "t");
    let ids = |page: &prodsignal::store::Page<prodsignal::store::ReleaseCommit>| -> Vec<String> {
        page.items.iter().map(|found| found.commit.id.raw().to_owned()).collect()
    };
    let since = store.commits(&query(Some("shop@2.2.0"), "shop@2.3.0")).await.unwrap();
    assert_eq!(ids(&since), ["c3", "c2"]);
    let commit = &since.items[1].commit;
    assert_eq!(commit.repository.as_ref().unwrap().raw(), "acme/shop");
    assert!(!commit.message.as_ref().unwrap().raw().contains("ada@example.com"));
    let files: Vec<&str> = commit.files.iter().map(|file| file.path.raw()).collect();
    assert_eq!(files, ["web/src/cart.js", "web/src/sum.js"]);
    assert_eq!(since.items[0].commit.files.len(), 1);
    assert_eq!(ids(&store.commits(&query(None, "shop@2.2.0")).await.unwrap()), ["c1"]);
    let both = store.commits(&query(Some("shop@2.1.0"), "shop@2.3.0")).await.unwrap();
    assert_eq!(ids(&both), ["c3", "c2"], "a release that is not known bounds nothing");
    assert!(store.commits(&query(None, "shop@9.9.9")).await.is_err());
}

#[tokio::test]
async fn a_diagnosis_names_the_commit_that_touched_the_cause_first() {
    let server = double().await;
    let told = call(&ctx(store(&server.uri(), "t")), "diagnose_issue", json!({ "issue": "SHOP-1" })).await;
    let since = &told.data["since"];
    assert_eq!(since["last_good_release"], "shop@2.2.0", "{}", told.data);
    let commits = since["commits"].as_array().unwrap_or_else(|| panic!("{}", told.data));
    assert_eq!((&commits[0]["id"], &commits[0]["touches"]), (&json!("c2"), &json!(["web/src/cart.js"])));
    assert_eq!(commits[1]["id"], "c3");
}
