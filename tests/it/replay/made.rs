//! Recordings made by hand, one rule each.

use prodsignal::replay::{Action, Effect, GapKind, HopKind, Limits, Reader, StepKind};
use serde_json::json;

use super::app::{App, START, done, element, read, segment, text};

fn field(id: i64, name: &str) -> serde_json::Value {
    element(id, "input", json!({ "name": name }), vec![])
}

fn button(id: i64, dom_id: &str, says: &str) -> serde_json::Value {
    element(id, "button", json!({ "id": dom_id, "type": "button" }), vec![text(id + 1_000, says)])
}

#[test]
fn typing_is_one_step_with_the_final_value() {
    let mut app = App::new(vec![field(10, "q"), field(11, "r")]);
    app.focus(1_000, 10).types(1_100, 10, "kettle").focus(3_000, 11).types(3_100, 11, "red");
    assert_eq!(done(&app.read()), ["input input[name=\"q\"] kettle", "input input[name=\"r\"] red"]);
}

#[test]
fn a_value_that_the_page_sets_is_no_step() {
    let mut app = App::new(vec![field(10, "q"), field(11, "r"), button(12, "edit", "Edit")]);
    // Without focus; in a field made a moment ago that has it; as the answer to a click.
    app.input(1_000, 11, "from the server");
    app.click(2_000, 12).add(2_010, 3, element(20, "input", json!({ "name": "title" }), vec![]));
    app.focus(2_012, 20).input(2_013, 20, "Old title");
    app.focus(4_000, 10).click(5_000, 12).focus(5_001, 10).input(5_030, 10, "chosen by the page");
    assert_eq!(done(&app.read()), ["click #edit", "click #edit"]);
    // What is typed after it is one.
    app.focus(7_000, 20).input(7_100, 20, "Old title!");
    assert_eq!(done(&app.read()).last().unwrap(), "input input[name=\"title\"] Old title!");
}

#[test]
fn a_pasted_value_is_a_step() {
    let mut app = App::new(vec![field(10, "q")]);
    app.focus(1_000, 10).input(1_500, 10, "a whole sentence");
    assert_eq!(done(&app.read()), ["input input[name=\"q\"] a whole sentence"]);
}

#[test]
fn a_field_that_the_page_empties_after_enter_keeps_its_step() {
    let mut app = App::new(vec![field(10, "todo"), element(30, "ul", json!({}), vec![])]);
    app.focus(1_000, 10).types(1_100, 10, "milk");
    app.add(1_800, 30, element(31, "li", json!({}), vec![text(32, "milk")])).input(1_805, 10, "");
    app.types(3_000, 10, "bread");
    let replay = app.read();
    assert_eq!(done(&replay), ["input input[name=\"todo\"] milk", "input input[name=\"todo\"] bread"]);
    let Action::Input(input) = &replay.steps[1].action else { panic!("{:?}", replay.steps[1]) };
    assert!(input.emptied && !input.submitted);
    assert!(replay.steps[1].effects.contains(&Effect::Appeared { elements: 1, text: Some("milk".into()) }));
}

#[test]
fn a_field_that_the_user_empties_begins_anew() {
    let mut app = App::new(vec![field(10, "code")]);
    app.focus(1_000, 10).types(1_100, 10, "WINTER").input(3_000, 10, "").types(3_100, 10, "SPRING");
    assert_eq!(done(&app.read()), ["input input[name=\"code\"] WINTER", "input input[name=\"code\"] SPRING"]);
}

#[test]
fn enter_presses_the_forms_button_and_that_is_no_click() {
    let form = element(20, "form", json!({}), vec![field(10, "q"), element(11, "button", json!({}), vec![])]);
    let mut app = App::new(vec![form]);
    app.focus(1_000, 10).types(1_100, 10, "x").mouse(2_000, 2, 11, 0);
    let replay = app.read();
    assert_eq!(done(&replay), ["input input[name=\"q\"] x"]);
    assert!(matches!(&replay.steps[1].action, Action::Input(input) if input.submitted));
    app.mouse(4_000, 2, 11, 0);
    assert_eq!(done(&app.read())[1], "key input[name=\"q\"] Enter");
}

#[test]
fn each_choice_is_a_step_and_a_choice_of_the_page_is_none() {
    let option =
        |id, value: &str, says: &str| element(id, "option", json!({ "value": value }), vec![text(id + 100, says)]);
    let list = element(
        10,
        "select",
        json!({ "name": "land" }),
        vec![option(20, "", "Choose"), option(21, "de", "Germany"), option(22, "fr", "France")],
    );
    let mut app = App::new(vec![list, button(12, "reset", "Reset")]);
    app.input(1_000, 10, "de").input(2_000, 10, "fr").click(3_000, 12).input(3_020, 10, "");
    assert_eq!(
        done(&app.read()),
        ["input select[name=\"land\"] de Germany", "input select[name=\"land\"] fr France", "click #reset"]
    );
}

#[test]
fn a_label_passes_its_click_on_and_that_is_one_step() {
    let boxed = element(11, "input", json!({ "type": "checkbox", "name": "terms" }), vec![]);
    let label = element(10, "label", json!({ "id": "accept" }), vec![boxed, text(12, " I accept")]);
    let mut app = App::new(vec![label]);
    app.mouse(950, 1, 12, 10).mouse(990, 0, 12, 10).mouse(1_000, 2, 12, 10).mouse(1_001, 2, 11, 0);
    app.event(1_002, 3, json!({ "source": 5, "id": 11, "text": "on", "isChecked": true }));
    assert_eq!(done(&app.read()), ["click #accept x1 double=false checked=Some(true)"]);
}

#[test]
fn clicks_of_scripts_are_none() {
    let mut app = App::new(vec![button(10, "a", "A"), button(11, "b", "B")]);
    app.click(1_000, 10).mouse(1_010, 2, 11, 0).mouse(9_000, 2, 11, 0);
    assert_eq!(done(&app.read()), ["click #a"]);
    // The keyboard's click on the focused control is the user's.
    app.focus(12_000, 11).mouse(12_500, 2, 11, 0);
    assert_eq!(done(&app.read()), ["click #a", "click #b"]);
}

#[test]
fn quick_clicks_are_rage_only_where_nothing_answers() {
    let mut dead = App::new(vec![button(10, "a", "A"), element(30, "p", json!({}), vec![])]);
    let mut live = App::new(vec![button(10, "a", "A"), element(30, "p", json!({}), vec![])]);
    for i in 0..5 {
        dead.click(1_000 + i * 150, 10);
        live.click(1_000 + i * 150, 10).add(1_010 + i * 150, 30, text(40 + i, "+1"));
    }
    assert_eq!(done(&dead.read()), ["rage_click #a x5 double=false checked=None"]);
    assert_eq!(done(&live.read()).len(), 5);
}

#[test]
fn a_double_click_is_one_step() {
    let mut app = App::new(vec![button(10, "a", "A")]);
    app.click(1_000, 10).click(1_150, 10).mouse(1_151, 4, 10, 10);
    assert_eq!(done(&app.read()), ["click #a x1 double=true checked=None"]);
}

#[test]
fn the_sdks_verdicts_arrive_late_and_find_their_click() {
    let mut app = App::new(vec![button(10, "dead", "A"), button(11, "slow", "B"), button(12, "next", "C")]);
    let verdict =
        |reason: &str, after: i64| json!({ "data": { "nodeId": 0, "endReason": reason, "timeAfterClickMs": after } });
    app.click(1_000, 10).click(10_000, 11).click(20_000, 12).click(24_000, 10);
    app.crumb(1_001, "ui.slowClickDetected", verdict("timeout", 7_000));
    app.crumb(10_001, "ui.slowClickDetected", verdict("mutation", 4_200));
    // What ended this wait was the answer to the next click.
    app.crumb(20_001, "ui.slowClickDetected", verdict("mutation", 4_010));
    assert_eq!(done(&app.read()), ["dead_click #dead", "slow_click #slow", "click #next", "click #dead"]);
}

#[test]
fn an_element_that_its_click_removed_is_known_all_the_same() {
    let mut app = App::new(vec![element(
        20,
        "div",
        json!({ "role": "dialog", "aria-label": "Sure?" }),
        vec![button(10, "yes", "Yes")],
    )]);
    app.click(1_000, 10);
    app.event(
        1_005,
        3,
        json!({ "source": 0, "adds": [], "texts": [], "attributes": [], "removes": [{ "parentId": 3, "id": 20 }] }),
    );
    let replay = app.read();
    assert_eq!(done(&replay), ["click #yes"]);
    assert_eq!(replay.steps[1].effects, [Effect::DialogClosed]);
    assert_eq!(replay.steps[1].target.as_ref().unwrap().name.as_ref().unwrap().text.raw(), "Yes");
}

#[test]
fn frames_and_shadow_roots_are_told_from_the_outside_in() {
    let inner = json!({ "type": 0, "id": 40, "childNodes": [element(41, "html", json!({}), vec![element(42, "body", json!({}), vec![button(43, "send", "Send")])])] });
    let mut host = element(30, "star-rating", json!({ "id": "stars" }), vec![button(31, "one", "1")]);
    host["childNodes"][0]["isShadow"] = true.into();
    let mut app = App::new(vec![element(20, "iframe", json!({ "title": "Feedback" }), vec![]), host]);
    app.add(500, 20, inner).click(1_000, 43).click(2_000, 31);
    let replay = app.read();
    let hops = |n: usize| {
        replay.steps[n].target.as_ref().unwrap().hops.iter().map(|hop| (hop.kind, hop.css.raw())).collect::<Vec<_>>()
    };
    assert_eq!(hops(1), [(HopKind::Frame, "iframe[title=\"Feedback\"]")]);
    assert_eq!(hops(2), [(HopKind::Shadow, "#stars")]);
}

#[test]
fn a_drag_is_a_drag_and_selecting_text_is_nothing() {
    let card =
        |id, n: &str| element(id, "article", json!({ "draggable": "true", "data-card": n }), vec![text(id + 100, n)]);
    let mut app = App::new(vec![
        element(20, "section", json!({ "id": "todo" }), vec![card(21, "a")]),
        element(30, "section", json!({ "id": "done" }), vec![]),
    ]);
    app.mouse(1_000, 1, 21, 10);
    app.event(1_300, 3, json!({ "source": 0, "texts": [], "attributes": [], "removes": [{ "parentId": 20, "id": 21 }],
        "adds": [{ "parentId": 30, "nextId": null, "node": card(21, "a") }, { "parentId": 21, "nextId": null, "node": text(121, "a") }] }));
    app.event(1_400, 3, json!({ "source": 12, "positions": [{ "x": 300, "y": 10, "id": 21, "timeOffset": -100 }] }));
    app.mouse(3_000, 1, 20, 10).mouse(3_300, 0, 20, 90).mouse(3_301, 2, 20, 90);
    let replay = app.read();
    let drags: Vec<_> = replay
        .steps
        .iter()
        .filter_map(|step| if let Action::Drag(drag) = &step.action { Some(drag) } else { None })
        .collect();
    assert_eq!(drags.len(), 1);
    assert_eq!(drags[0].onto.as_ref().unwrap().css.raw(), "#done");
    assert_eq!(done(&replay).len(), 1, "{:?}", done(&replay));
}

#[test]
fn navigation_within_a_page_is_told_once_with_its_cause() {
    let link = element(10, "a", json!({ "href": "https://shop.test/item/1" }), vec![text(11, "Kettle")]);
    let mut app = App::new(vec![link]);
    for (at, to) in [(1_005, "/item/1"), (5_000, "/"), (8_000, "/item/1")] {
        if at == 1_005 {
            app.click(1_000, 10);
        }
        app.crumb(at, "navigation", json!({ "data": { "from": "", "to": to } }));
        app.span(at + 3, "navigation.push", &format!("https://shop.test{to}"), json!({}));
    }
    assert_eq!(
        done(&app.read()),
        [
            "click a[href$=\"/item/1\"]",
            "navigate  Within https://shop.test/item/1",
            "navigate  Back https://shop.test/",
            "navigate  Forward https://shop.test/item/1",
        ]
    );
}

#[test]
fn masked_text_names_nothing() {
    let masked = element(10, "button", json!({ "aria-label": "*** ****" }), vec![text(11, "***")]);
    let mut app =
        App::new(vec![masked, element(12, "input", json!({ "placeholder": "**** **", "type": "password" }), vec![])]);
    app.click(1_000, 10).focus(2_000, 12).types(2_100, 12, "*******");
    let replay = app.read();
    let target = replay.steps[1].target.as_ref().unwrap();
    assert!(target.masked && target.name.is_none() && target.text.is_none(), "{target:?}");
    assert_eq!(done(&replay), ["click button", "input input *7"]);
}

#[test]
fn after_a_lost_segment_steps_go_on_and_nothing_is_counted_on() {
    let mut app = App::new(vec![button(10, "a", "A")]);
    app.click(1_000, 10);
    let first = segment(0, &app.events, true);
    app.events.clear();
    app.click(20_000, 10).click(21_000, 77);
    app.crumb(21_000, "ui.click", json!({ "message": "body > ul#list > li > button.del", "data": { "nodeId": 77 } }));
    let replay = read(&[first, segment(2, &app.events, false)]);
    assert_eq!(done(&replay), ["click #a", "click #a", "click ul#list > li > button.del"]);
    assert!(!replay.complete);
    assert_eq!(
        replay.gaps.iter().map(|gap| (gap.kind, gap.segment)).collect::<Vec<_>>(),
        [(GapKind::Missing, Some(1))]
    );
    assert_eq!(replay.steps[2].target.as_ref().unwrap().css_count, 0);
}

#[test]
fn two_tabs_with_one_id_are_told_apart() {
    let mut one = App::new(vec![button(10, "a", "A")]);
    let mut other = App::new(vec![button(50, "b", "B")]);
    one.click(1_000, 10);
    other.click(1_500, 50);
    let first = [segment(0, &one.events, false), segment(0, &other.events, false)];
    one.events.clear();
    other.events.clear();
    one.click(6_000, 10);
    other.click(6_500, 50);
    let replay = read(&[&first[..], &[segment(1, &other.events, false), segment(1, &one.events, false)]].concat());
    let clicks: Vec<_> = replay
        .steps
        .iter()
        .filter(|s| matches!(s.action, Action::Click(_)))
        .map(|s| (s.tab, s.target.as_ref().unwrap().css.raw()))
        .collect();
    assert_eq!(clicks, [(0, "#a"), (1, "#b"), (0, "#a"), (1, "#b")]);
    assert!(replay.complete && replay.tabs == 2);
}

#[test]
fn an_apps_breadcrumbs_are_steps_without_a_page() {
    let mut app = App { events: Vec::new() };
    app.crumb(1_000, "touch", json!({ "message": "x", "data": { "path": [{ "name": "BuyButton", "label": "Buy" }] } }));
    app.crumb(2_000, "navigation", json!({ "data": { "from": "Home", "to": "Cart" } }));
    app.crumb(2_500, "ui.tap", json!({ "data": { "view.id": "checkout", "view.class": "Button" } }));
    let replay = app.read();
    let texts: Vec<_> =
        replay.steps.iter().filter_map(|s| s.target.as_ref()?.text.as_ref()).map(|t| t.text.raw()).collect();
    assert_eq!(texts, ["Buy", "checkout"]);
    assert!(replay.steps.iter().any(|step| matches!(&step.action, Action::Navigate(n) if n.to.raw() == "Cart")));
}

#[test]
fn a_page_as_deep_as_browsers_make_them_is_read() {
    let mut inner = button(10, "a", "A");
    for id in 0..600 {
        inner = element(2_000 + id, "div", json!({}), vec![inner]);
    }
    let mut app = App::new(vec![inner]);
    app.click(1_000, 10);
    assert_eq!(done(&app.read()), ["click #a"]);
}

#[test]
fn wild_times_numbers_and_shapes_end_no_replay() {
    let mut app = App::new(vec![button(10, "a", "A")]);
    app.events.push(json!({ "type": 3, "timestamp": -5e300, "data": { "source": 0 } }));
    app.events.push(json!({ "type": 3, "timestamp": START, "data": { "source": 2, "type": 2, "id": i64::MAX, "x": 1e300, "y": -1e300 } }));
    app.events.push(json!({ "type": 3, "timestamp": START, "data": { "source": 0, "adds": [{ "parentId": 10, "nextId": 10, "node": { "type": 2, "id": 3, "tagName": "x" } }], "removes": [{ "id": 1 }] } }));
    app.events.push(json!({ "type": 2, "timestamp": START, "data": { "node": 7 } }));
    app.events.push(json!(null));
    app.click(1_000, 10);
    let replay = read(&[segment(u64::MAX - 1, &app.events, false)]);
    assert!(!replay.complete && replay.gaps.len() <= 1_001);
    assert!(replay.steps.len() < 10);
}

#[test]
fn a_native_drag_told_by_moves_alone_is_one_and_a_click_on_the_same_is_none() {
    let card = |id| element(id, "div", json!({ "draggable": "true", "id": "card" }), vec![]);
    let mut app = App::new(vec![
        element(20, "section", json!({}), vec![card(21)]),
        element(30, "section", json!({ "id": "done" }), vec![]),
    ]);
    let moves = |x: i64| json!({ "source": 1, "positions": [{ "x": x, "y": 10, "id": 21, "timeOffset": 0 }] });
    app.mouse(1_000, 1, 21, 10).event(1_020, 3, moves(12)).mouse(1_050, 0, 21, 10).mouse(1_051, 2, 21, 10);
    app.mouse(3_000, 1, 21, 10).event(3_200, 3, moves(200));
    app.event(
        3_300,
        3,
        json!({ "source": 0, "texts": [], "attributes": [], "removes": [{ "parentId": 20, "id": 21 }],
        "adds": [{ "parentId": 30, "nextId": null, "node": card(21) }] }),
    );
    app.event(3_400, 3, moves(300)).click(6_000, 30);
    let replay = app.read();
    let kinds: Vec<_> = replay.steps[1..].iter().map(|step| matches!(step.action, Action::Drag(_))).collect();
    assert_eq!(kinds, [false, true, false], "{:?}", done(&replay));
}

#[test]
fn a_field_that_the_page_made_focused_and_took_away_again_was_ended_by_enter() {
    let mut app = App::new(vec![element(10, "span", json!({ "id": "name" }), vec![text(11, "Ana")])]);
    app.click(1_000, 10).mouse(1_005, 5, -1, 0);
    app.add(1_010, 3, element(20, "input", json!({ "class": "edit", "value": "Ana" }), vec![]))
        .input(1_015, 20, "Ana Lima");
    app.input(3_000, 20, "Bo Lima");
    app.event(
        4_000,
        3,
        json!({ "source": 0, "adds": [], "texts": [], "attributes": [], "removes": [{ "parentId": 3, "id": 20 }] }),
    );
    let replay = app.read();
    assert_eq!(done(&replay), ["click #name", "input input.edit Bo Lima"]);
    assert!(matches!(&replay.steps[2].action, Action::Input(input) if input.emptied));
}

#[test]
fn headers_tell_the_segments_of_two_tabs_apart_in_any_order() {
    let tab = |offset: i64| {
        let mut app = App::new(vec![button(10, "a", "A"), button(11, "b", "B")]);
        for event in &mut app.events {
            let at = event["timestamp"].as_f64().unwrap() + offset as f64;
            event["timestamp"] = at.into();
        }
        let first = segment(0, &app.events, false);
        app.events.clear();
        (first, app)
    };
    let ((first_a, mut a), (first_b, mut b)) = (tab(0), tab(3_000));
    a.click(20_000, 10);
    b.click(15_000, 11);
    let (second_a, second_b) = (segment(1, &a.events, false), segment(1, &b.events, false));
    let header = |number: u64, began: i64, end: i64| json!({ "segment_id": number, "replay_start_timestamp": (START + began) as f64 / 1e3, "timestamp": (START + end) as f64 / 1e3 });
    let headers = [header(0, 0, 5_000), header(0, 2_500, 8_000), header(1, 0, 25_000), header(1, 2_500, 18_000)];
    for order in [[&first_a, &first_b, &second_a, &second_b], [&first_a, &first_b, &second_b, &second_a]] {
        let mut reader = Reader::new("0123456789abcdef0123456789abcdef".parse().unwrap(), Limits::default());
        headers.iter().for_each(|header| reader.header(header.to_string().as_bytes()));
        order.iter().for_each(|bytes| reader.segment(None, bytes));
        let replay = reader.finish();
        let clicks = replay.steps.iter().filter(|step| step.kind() == StepKind::Click);
        let clicks: Vec<_> = clicks.map(|s| (s.tab, s.target.as_ref().unwrap().css.raw())).collect();
        assert_eq!(clicks, [(1, "#b"), (0, "#a")]);
    }
}
