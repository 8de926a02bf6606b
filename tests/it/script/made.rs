//! A replay with every sort of step, whose texts the tests choose.

use prodsignal::{
    model::{EventId, Timestamp, Untrusted},
    replay::*,
};

/// Gives the text of a field, by the field's name.
pub type Texts<'a> = &'a mut dyn FnMut(&'static str) -> String;

fn shared(text: String, count: u32) -> Option<Shared> {
    Some(Shared { text: text.into(), count, index: 0 })
}

/// An element all of whose texts are given; `how` chooses which of its names single it out.
pub fn target(texts: Texts<'_>, how: u32) -> Target {
    let count = |place: u32| if how == place { 1 } else { 2 };
    let container = Container {
        tag: "li".into(),
        role: Some("listitem".into()),
        id: shared(texts("container-id"), count(8)),
        test_id: shared(texts("container-testid"), count(9)),
        name: shared(texts("container-name"), count(10)),
        own_text: Some(texts("container-text").into()),
        text_count: count(11),
        name_count: u32::from((8..=11).contains(&how)),
        text_count_inside: 0,
    };
    Target {
        tag: "input".into(),
        role: Some(if how == 12 { texts("role") } else { "button".into() }.into()),
        name: shared(texts("name"), count(0)),
        label: shared(texts("label"), count(1)),
        text: shared(texts("text"), count(2)),
        test_id: shared(texts("testid"), count(3)),
        test_id_attribute: Some(if how == 3 { "data-cy".into() } else { texts("testid-attribute").into() }),
        placeholder: shared(texts("placeholder"), count(4)),
        title: shared(texts("title"), count(5)),
        alt: shared(texts("alt"), count(6)),
        name_attribute: shared(texts("name-attribute"), 1),
        id: shared(texts("id"), count(7)),
        classes: vec![],
        input_type: Some(texts("type").into()),
        value: Some(texts("value").into()),
        href: shared(texts("href"), 1),
        css: texts("css").into(),
        css_count: count(13),
        nth_of_type: 1,
        hops: vec![
            Hop { kind: HopKind::Frame, css: texts("frame").into() },
            Hop { kind: HopKind::Shadow, css: texts("host").into() },
        ],
        containers: vec![container],
        component: Some(texts("component").into()),
        masked: false,
        rebuilt: how.is_multiple_of(2),
    }
}

fn actions(texts: Texts<'_>) -> Vec<Action> {
    let modifiers = Modifiers { ctrl: true, alt: true, shift: true, meta: true };
    let text = |texts: Texts<'_>, name| Untrusted::from(texts(name));
    let input = |control, value, typed: Vec<Untrusted>| {
        Action::Input(Input { control, value, before: Some("".into()), typed, submitted: true, emptied: false })
    };
    let go = |how, from: Option<Untrusted>, to: Untrusted, caused_by| {
        Action::Navigate(Navigation { how, from, to, caused_by })
    };
    let url = |texts: Texts<'_>, name| Untrusted::from(format!("https://shop.example/{}", texts(name)));
    vec![
        go(NavigationKind::Load, None, url(texts, "first"), None),
        Action::Click(Click { count: 1, ..Click::default() }),
        Action::Click(Click { count: 3, verdict: Verdict::Rage, modifiers, right: true, ..Click::default() }),
        Action::Click(Click { count: 2, double: true, checked: Some(true), ..Click::default() }),
        Action::Click(Click { count: 1, checked: Some(false), ..Click::default() }),
        Action::Drag(Drag { from: (1, 2), to: (3, 4), onto: Some(Box::new(target(texts, 0))) }),
        Action::Drag(Drag { from: (1, 2), to: (3, 4), onto: None }),
        input(Control::Text, Value::Text(text(texts, "typed")), vec!["a".into(), text(texts, "typing")]),
        input(Control::Editable, Value::Text(text(texts, "edited")), vec![]),
        input(Control::Select, Value::Choice { value: Some(text(texts, "choice")), label: None, index: None }, vec![]),
        input(Control::Select, Value::Choice { value: None, label: Some(text(texts, "option")), index: None }, vec![]),
        input(Control::File, Value::Text(text(texts, "file")), vec![]),
        input(Control::Text, Value::Masked { chars: 5 }, vec![]),
        input(Control::Text, Value::Unknown, vec![]),
        Action::Key(Key { key: text(texts, "key"), modifiers }),
        Action::Scroll { x: -1, y: i64::MAX },
        Action::Request(Request {
            method: text(texts, "method"),
            url: text(texts, "request"),
            absolute: Some(url(texts, "absolute")),
            status: Some(500),
            fetch: true,
            duration_ms: 10,
            request_body: Some(text(texts, "sent")),
            response_body: Some(text(texts, "answered")),
            response_type: Some(text(texts, "media")),
            caused_by: Some(1),
        }),
        Action::Console { level: "error".into(), message: text(texts, "console") },
        Action::Resize(Viewport { width: 0, height: u32::MAX }),
        Action::Visibility { hidden: true },
        go(NavigationKind::Load, Some(url(texts, "from")), url(texts, "to"), Some(2)),
        go(NavigationKind::Load, None, text(texts, "nowhere"), None),
        go(NavigationKind::Back, None, url(texts, "back"), None),
        Action::Error(failure(texts)),
    ]
}

fn failure(texts: Texts<'_>) -> Failure {
    Failure {
        event: EventId(7),
        issue: Some(texts("issue").into()),
        title: Some(texts("failure-title").into()),
        ty: Some(texts("error-type").into()),
        value: Some(texts("error-value").into()),
        unhandled: false,
    }
}

/// The whole of it. Its elements are singled out in one way.
pub fn replay(texts: Texts<'_>, how: u32) -> Replay {
    let steps: Vec<Step> = (1..)
        .zip(actions(texts))
        .map(|(n, action)| {
            let at_ms = i64::from(n) * 1_000;
            let touches =
                matches!(action, Action::Click(_) | Action::Drag(_) | Action::Input(_) | Action::Scroll { .. });
            Step {
                n,
                at_ms,
                until_ms: at_ms + 20,
                tab: 0,
                url: Some(format!("https://shop.example/{}", texts("page")).into()),
                target: touches.then(|| target(texts, how)),
                action,
                effects: vec![
                    Effect::DialogOpened(Some(texts("dialog").into())),
                    Effect::Announced(texts("announced").into()),
                    Effect::Appeared { elements: 1, text: Some(texts("appeared").into()) },
                ],
                settled_ms: Some(400),
            }
        })
        .collect();
    let end = steps.last().unwrap().at_ms;
    Replay {
        id: EventId(9),
        started_at: Timestamp::from_millisecond(1_795_480_000_000).unwrap(),
        duration_ms: 60_000,
        buffered: true,
        from_start: false,
        urls: vec![texts("url").into()],
        platform: Some(texts("platform").into()),
        user_agent: Some(format!("Chrome/156 {}", texts("agent")).into()),
        locale: Some(texts("locale").into()),
        timezone: Some(texts("zone").into()),
        viewport: Some(Viewport { width: 1280, height: 720 }),
        release: Some(texts("release").into()),
        environment: Some(texts("environment").into()),
        segments: 3,
        complete: false,
        gaps: vec![Gap { kind: GapKind::Missing, from_ms: 5_000, to_ms: 6_000, segment: Some(2) }],
        masked_text: false,
        masked_inputs: false,
        tabs: 1,
        pages: vec![],
        errors: vec![(end, failure(texts))],
        steps,
        marks: vec![Mark {
            at_ms: 1,
            tab: 0,
            kind: MarkKind::Breadcrumb,
            text: Some(texts("mark").into()),
            duration_ms: None,
        }],
    }
}
