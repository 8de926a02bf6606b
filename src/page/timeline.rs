//! The drawing: what the user, the page and the network did over time, with errors across all of it.

use super::{
    html::{Html, html},
    words,
};
use crate::{
    guard::Guard,
    replay::{Action, Replay, Request, Step, StepKind},
};

/// Rows that requests are spread over, so that those at one time don't hide each other.
const REQUEST_ROWS: usize = 3;
/// Lengths between marks of the axis, in milliseconds.
const UNITS: &[i64] =
    &[100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000];

/// Tops of the lanes and the axis, in pixels. A lane in which nothing happened is left out.
#[derive(Clone, Copy)]
struct Lanes {
    pages: u32,
    user: u32,
    requests: Option<u32>,
    console: Option<u32>,
    axis: u32,
}

impl Lanes {
    fn of(replay: &Replay) -> Self {
        let any = |wanted: fn(&Action) -> bool| replay.steps.iter().any(|step| wanted(&step.action));
        let (pages, user) = (18, 62);
        let mut axis = user + 38;
        let mut lane = |height: u32, used: bool| {
            let top = used.then_some(axis + 10);
            axis += if used { height } else { 0 };
            top
        };
        let requests = lane(54, any(|action| matches!(action, Action::Request(_))));
        let console = lane(34, any(|action| matches!(action, Action::Console { .. })));
        Self { pages, user, requests, console, axis }
    }
}

/// From a time to a place on the drawing, in percent of its width.
#[derive(Clone, Copy)]
struct Scale {
    from: i64,
    to: i64,
}

impl Scale {
    fn of(replay: &Replay) -> Self {
        let first = replay.steps.first().map_or(0, |step| step.at_ms).clamp(-600_000, 0);
        let last = replay.steps.iter().map(|step| step.until_ms).max().unwrap_or(0);
        let end = i64::try_from(replay.duration_ms).unwrap_or(i64::MAX).max(last).min(24 * 3_600_000);
        let margin = ((end - first) / 50).max(20);
        Self { from: first - margin, to: end.max(first + 1) + margin }
    }

    #[expect(clippy::cast_precision_loss, reason = "a place on a drawing")]
    fn x(self, ms: i64) -> f64 {
        let part = (ms.clamp(self.from, self.to) - self.from) as f64 / (self.to - self.from) as f64;
        part * 100.0
    }

    /// Width of what lasts from one time to another; never nothing.
    fn width(self, from: i64, to: i64) -> f64 {
        (self.x(to) - self.x(from)).max(0.35)
    }
}

/// Draws it.
pub fn draw(replay: &Replay, guard: &mut Guard) -> Html {
    let scale = Scale::of(replay);
    let lanes = Lanes::of(replay);
    let mut svg = html!(
        "<svg class=timeline width=\"100%\" height=\"",
        lanes.axis + 22,
        "\" role=group aria-label=\"Timeline of the replay\">\n",
        "<defs><pattern id=hatch width=8 height=8 patternUnits=userSpaceOnUse patternTransform=\"rotate(45)\">",
        "<rect width=4 height=8 class=hatch /></pattern></defs>\n"
    );
    let labels = [
        ("Pages", Some(lanes.pages)),
        ("User", Some(lanes.user)),
        ("Requests", lanes.requests),
        ("Console", lanes.console),
    ];
    for (label, y) in labels.into_iter().filter_map(|(label, y)| Some((label, y?))) {
        svg.push(&[&"<text class=lane x=0 y=\"", &(y - 5), &"\">", &label, &"</text>\n"]);
    }
    axis(&mut svg, scale, lanes);
    for gap in replay.gaps.iter().filter(|gap| gap.to_ms > gap.from_ms) {
        let (x, width) = (scale.x(gap.from_ms), scale.width(gap.from_ms, gap.to_ms));
        svg.push(&[&html!(
            "<rect fill=\"url(#hatch)\" x=\"",
            x,
            "%\" y=",
            lanes.pages,
            " width=\"",
            width,
            "%\" height=",
            lanes.axis - lanes.pages,
            " ><title>not recorded</title></rect>\n"
        )]);
    }
    pages(&mut svg, replay, scale, lanes, guard);
    let mut rows = [i64::MIN; REQUEST_ROWS];
    // Errors first: what failed at the same moment is drawn over their line.
    let (errors, others): (Vec<&Step>, Vec<&Step>) =
        replay.steps.iter().partition(|step| matches!(step.action, Action::Error(_)));
    for step in errors.into_iter().chain(others) {
        mark(&mut svg, step, Place { scale, lanes }, &mut rows, guard);
    }
    svg.push(&[&"</svg>\n"]);
    svg
}

fn axis(svg: &mut Html, scale: Scale, lanes: Lanes) {
    let unit = UNITS.iter().copied().find(|unit| (scale.to - scale.from) / unit <= 8).unwrap_or(3_600_000);
    let mut at = scale.from.div_euclid(unit) * unit + unit;
    while at < scale.to {
        svg.push(&[&html!(
            "<line class=grid x1=\"",
            scale.x(at),
            "%\" x2=\"",
            scale.x(at),
            "%\" y1=",
            lanes.pages,
            " y2=",
            lanes.axis,
            " />",
            "<text class=tick x=\"",
            scale.x(at),
            "%\" y=",
            lanes.axis + 14,
            " >",
            words::clock(at),
            "</text>\n"
        )]);
        at += unit;
    }
}

/// A band for each address, from its navigation to the next.
fn pages(svg: &mut Html, replay: &Replay, scale: Scale, lanes: Lanes, guard: &mut Guard) {
    let changes: Vec<(&Step, _)> = replay
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Navigate(navigation) => Some((step, &navigation.to)),
            _ => None,
        })
        .collect();
    let first = replay.urls.first().filter(|_| changes.first().is_none_or(|(step, _)| step.at_ms > 1_000));
    let mut bands: Vec<_> = first.map(|url| (scale.from, None, url)).into_iter().collect();
    bands.extend(changes.iter().map(|(step, url)| (step.at_ms, Some(step.n), *url)));
    for (i, (at, n, url)) in bands.iter().enumerate() {
        let end = bands.get(i + 1).map_or(scale.to, |next| next.0);
        let text = words::place(url, guard);
        let class = if i % 2 == 0 { "page" } else { "page odd" };
        let band = html!(
            "<svg x=\"",
            scale.x(*at),
            "%\" y=",
            lanes.pages,
            " width=\"",
            scale.width(*at, end),
            "%\" height=22><rect class=\"",
            class,
            "\" width=\"100%\" height=22 rx=3 /><text class=path x=6 y=15>",
            text,
            "</text><title>",
            text,
            "</title></svg>"
        );
        svg.push(&[&linked(*n, band), &"\n"]);
    }
}

/// What leads to the step in the list below.
fn linked(n: Option<u32>, inner: Html) -> Html {
    match n {
        Some(n) => html!("<a href=\"#s", n, "\">", inner, "</a>"),
        None => inner,
    }
}

/// Where things are drawn.
#[derive(Clone, Copy)]
struct Place {
    scale: Scale,
    lanes: Lanes,
}

fn mark(svg: &mut Html, step: &Step, place: Place, rows: &mut [i64; REQUEST_ROWS], guard: &mut Guard) {
    let Place { scale, lanes } = place;
    let x = scale.x(step.at_ms);
    let (class, _) = words::sign(step);
    let title = html!("<title>", words::clock(step.at_ms), "</title>");
    let drawn = match (&step.action, step.kind()) {
        (Action::Navigate(_), _) => return,
        (Action::Request(request), _) => bar(step, request, place, rows, guard),
        (Action::Console { .. }, _) => {
            html!(
                "<rect class=\"tickmark ",
                class,
                "\" x=\"",
                x,
                "%\" y=",
                lanes.console.unwrap_or(0),
                " width=3 height=14 rx=1>",
                title,
                "</rect>"
            )
        }
        (Action::Error(_), _) => html!(
            "<line class=\"error\" x1=\"",
            x,
            "%\" x2=\"",
            x,
            "%\" y1=",
            lanes.pages,
            " y2=",
            lanes.axis,
            " />",
            "<circle class=\"errordot\" cx=\"",
            x,
            "%\" cy=",
            lanes.axis,
            " r=6>",
            title,
            "</circle>"
        ),
        (Action::Input(_), _) => html!(
            "<rect class=\"typed\" x=\"",
            x,
            "%\" y=",
            lanes.user + 6,
            " width=\"",
            scale.width(step.at_ms, step.until_ms),
            "%\" height=12 rx=3>",
            title,
            "</rect>"
        ),
        (_, StepKind::RageClick) => ring(x, lanes.user + 12, 11, title),
        (_, StepKind::DeadClick | StepKind::SlowClick) => ring(x, lanes.user + 12, 8, title),
        (_, StepKind::Scroll | StepKind::Resize | StepKind::Visibility) => {
            html!("<circle class=\"dot dim\" cx=\"", x, "%\" cy=", lanes.user + 12, " r=3>", title, "</circle>")
        }
        _ => html!("<circle class=\"dot\" cx=\"", x, "%\" cy=", lanes.user + 12, " r=6>", title, "</circle>"),
    };
    svg.push(&[&linked(Some(step.n), drawn), &"\n"]);
}

/// A request, in the first row that is free.
fn bar(step: &Step, request: &Request, place: Place, rows: &mut [i64; REQUEST_ROWS], guard: &mut Guard) -> Html {
    let Place { scale, lanes } = place;
    let end = step.at_ms + i64::try_from(request.duration_ms).unwrap_or(0);
    let row = rows.iter().position(|until| *until < step.at_ms).unwrap_or(REQUEST_ROWS - 1);
    rows[row] = end;
    let top = lanes.requests.unwrap_or(0) + 14 * u32::try_from(row).unwrap_or(0);
    let (class, _) = words::sign(step);
    let path = words::place(&request.url, guard);
    let status = request.status.map(u32::from);
    let (x, width) = (scale.x(step.at_ms), scale.width(step.at_ms, end));
    html!(
        "<rect class=\"bar ",
        class,
        "\" x=\"",
        x,
        "%\" y=",
        top,
        " width=\"",
        width,
        "%\" height=10 rx=2><title>",
        path,
        " ",
        status,
        "</title></rect>"
    )
}

/// A click that the page didn't answer.
fn ring(x: f64, y: u32, r: u32, title: Html) -> Html {
    html!("<circle class=\"dot bad\" cx=\"", x, "%\" cy=", y, " r=", r, " >", title, "</circle>")
}
