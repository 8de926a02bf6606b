//! The method's numbers, to 1e-6.

use prodsignal::{
    model::Likeness,
    verify::{ALIKE, Clusters, Evidence, Stratum, Verdict, counted, needed, similarity},
};
use serde_json::Value;

fn vectors(of: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../data/verify/vectors.json")).unwrap();
    all[of].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

fn close(what: &str, got: Option<f64>, want: &Value) {
    let want = want.as_f64();
    let fits = match (got, want) {
        (Some(got), Some(want)) => (got - want).abs() <= 1e-6 * want.abs().max(1.0),
        (got, want) => got == want,
    };
    assert!(fits, "{what}: {got:?}, not {want:?}");
}

fn strata(case: &Value, (d0, d1): (f64, f64)) -> Vec<Stratum> {
    let row = |row: &Value| {
        let [k0, n0, k1, n1] = numbers(row)[..] else { panic!() };
        Stratum { k0: k0 / d0, n0: n0.max(k0) / d0, k1: k1 / d1, n1: n1.max(k1) / d1 }
    };
    case["strata"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn intervals_evidence_and_verdicts() {
    let cases = vectors("interval");
    assert_eq!(cases.len(), 18);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let [d0, d1] = numbers(&case["design_effect"])[..] else { panic!() };
        let bar = 1.0 - case["min_reduction"].as_f64().unwrap();
        let alpha = 1.0 - case["confidence"].as_f64().unwrap();
        let evidence = Evidence::of(&strata(&case, (d0, d1)));
        let interval = evidence.interval(alpha);
        let want = &case["expect"];
        close(&format!("{name}: mixture"), Some(evidence.log_mixture()), &want["log_mixture"]);
        close(&format!("{name}: at the bar"), Some(evidence.log_e(bar)), &want["log_e_at_rho0"]);
        close(&format!("{name}: at 1"), Some(evidence.log_e(1.0)), &want["log_e_at_1"]);
        close(&format!("{name}: ratio"), interval.ratio, &want["ratio"]);
        close(&format!("{name}: low"), Some(interval.low), &want["low"]);
        close(&format!("{name}: high"), interval.high, &want["high"]);
        let (estimate, low, high) = interval.reduction();
        close(&format!("{name}: reduction"), estimate, &want["reduction"]["estimate"]);
        close(&format!("{name}: reduction low"), low, &want["reduction"]["low"]);
        close(&format!("{name}: reduction high"), high, &want["reduction"]["high"]);
        assert_eq!(Verdict::of(&interval, bar).as_str(), want["verdict"], "{name}");
    }
}

#[test]
fn clusters_of_users() {
    for case in vectors("design_effect") {
        let sizes = numbers(&case["hits_per_user"]);
        let hits: Vec<(i64, Option<u32>)> = sizes
            .iter()
            .enumerate()
            .flat_map(|(user, n)| (0..*n as i64).map(move |day| (day * 86_400_000_000, Some(user as u32))))
            .collect();
        let clusters = Clusters::of(&hits);
        let over = clusters.effect_over(case["elapsed_d"].as_f64().unwrap(), case["window_d"].as_f64().unwrap());
        close("d0", Some(clusters.effect()), &case["expect"]["d0"]);
        close("d1", Some(over), &case["expect"]["d1"]);
    }
}

#[test]
fn a_user_counts_once_in_any_day() {
    for case in vectors("refractory") {
        let number = |name: &Value| name.as_str().map(|name| u32::from(name.as_bytes()[0]));
        let pairs = |list: &Value| -> Vec<(i64, Option<u32>)> {
            list.as_array().unwrap().iter().map(|p| (p[0].as_i64().unwrap(), number(&p[1]))).collect()
        };
        let hits = pairs(&case["hits"]);
        let counts = counted(&hits, case["gap_s"].as_i64().unwrap());
        let kept: Vec<_> = hits.into_iter().zip(counts).filter(|(_, counts)| *counts).map(|(hit, _)| hit).collect();
        assert_eq!(kept, pairs(&case["expect"]));
    }
}

#[test]
fn what_more_is_needed() {
    for case in vectors("needed") {
        let (bar, alpha) = (1.0 - case["min_reduction"].as_f64().unwrap(), 1.0 - case["confidence"].as_f64().unwrap());
        let more = needed(&strata(&case, (1.0, 1.0)), &numbers(&case["shares"]), bar, alpha);
        close("needed", more, &case["expect"]);
    }
}

#[test]
fn how_alike_two_issues_are() {
    for case in vectors("similarity") {
        let likeness = |of: &Value| {
            let text = |key: &str| of[key].as_str().map(Into::into);
            let functions = of["frames"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().into()).collect();
            Likeness { functions, transaction: text("transaction"), ty: text("type"), value: text("value") }
        };
        let got = similarity(&likeness(&case["a"]), &likeness(&case["b"]));
        close("similarity", Some(got), &case["expect"]);
        assert!(got >= ALIKE);
    }
}
