//! Charts as SVG that stretches to the width of its place, with the numbers in a table for those who don't look.

use super::facts::{Count, percent, time};
use crate::{
    page::html::{Html, Said, html},
    verify::Bucket,
};

/// Least height that is seen, in hundredths of the chart's.
const SEEN: f64 = 2.0;

/// One bar.
pub(super) struct Bar {
    /// Where it stands: a time or a name.
    pub label: String,
    pub value: f64,
    /// What it counts, for people.
    pub shown: Html,
}

/// Bars side by side, the first label at the left and the last at the right.
pub(super) fn bars(what: &'static str, most: &Html, bars: &[Bar]) -> Html {
    let highest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    if bars.is_empty() || highest <= 0.0 {
        return html!("");
    }
    let step = 100.0 / bars.len() as f64;
    let mut drawn = html!("");
    for (at, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.value > 0.0) {
        let height = (bar.value / highest * 100.0).max(SEEN);
        let label = html!(time(&bar.label), ": ", bar.shown);
        drawn.push(&[&rect("bar", at as f64 * step + step * 0.1, step * 0.8, height, &label.without_tags())]);
    }
    let rows =
        bars.iter().map(|bar| html!("<tr><th scope=row>", time(&bar.label), "</th><td>", bar.shown, "</td></tr>"));
    let ends = (bars.first().map(|bar| time(&bar.label)), bars.last().map(|bar| time(&bar.label)));
    let drawn = Drawn { bars: drawn, ends, under: html!("") };
    figure(what, most, &drawn, "<tr><th scope=col>From</th><th scope=col>How many</th></tr>", rows)
}

/// Rates of failure by time: runs without the fix beside those with it, and when the fix came.
pub(super) fn rates(buckets: &[Bucket], deployed_s: Option<i64>, unit: &str) -> Html {
    let rate = |(hits, exposure): (f64, f64)| (exposure > 0.0).then(|| hits / exposure.max(hits));
    let sides = |bucket: &Bucket| [("old", rate(bucket.control)), ("new", rate(bucket.new))];
    let highest = buckets.iter().flat_map(sides).filter_map(|(_, rate)| rate).fold(0.0, f64::max);
    let (Some(first), true) = (buckets.first(), highest > 0.0) else { return html!("") };
    let step = 100.0 / buckets.len() as f64;
    let mut drawn = html!("");
    for (at, bucket) in buckets.iter().enumerate() {
        for (place, (side, rate)) in sides(bucket).into_iter().enumerate() {
            let Some(rate) = rate else { continue };
            let x = at as f64 * step + step * (0.08 + 0.42 * place as f64);
            let label =
                html!(time(&start(bucket)), ", ", of_side(side), ": ", per_thousand(rate), " per 1,000 ", Said(unit));
            drawn.push(&[&rect(side, x, step * 0.42, (rate / highest * 100.0).max(SEEN), &label.without_tags())]);
        }
    }
    if let Some(deployed) = deployed_s {
        let hours = (deployed as f64 / 3_600.0 - first.start as f64) / (buckets.len() as f64 * first.hours as f64);
        let x = (hours * 100.0).clamp(0.0, 100.0);
        drawn.push(&[&"<line class=deployed x1=\"", &x, &"\" x2=\"", &x, &"\" y1=\"0\" y2=\"100\"/>"]);
    }
    let most = html!("at most ", per_thousand(highest), " per 1,000 ", Said(unit), ", by ", first.hours, " h");
    let cell = |rate: Option<f64>| rate.map_or_else(|| html!("not in use"), |rate| html!(per_thousand(rate)));
    let rows = buckets.iter().map(|bucket| {
        let [(_, old), (_, new)] = sides(bucket);
        html!("<tr><th scope=row>", time(&start(bucket)), "</th><td>", cell(old), "</td><td>", cell(new), "</td></tr>")
    });
    let ends = (Some(time(&start(first))), buckets.last().map(|bucket| time(&start(bucket))));
    let head = "<tr><th scope=col>From</th><th scope=col>Without the fix</th><th scope=col>With it</th></tr>";
    let drawn = Drawn { bars: drawn, ends, under: legend(deployed_s.is_some()) };
    figure("Rate of the failure over time", &most, &drawn, head, rows)
}

fn legend(deployed: bool) -> Html {
    let line = deployed.then(|| html!("<span><i class=\"key deployed\"></i>the fix was released</span>"));
    html!(
        "<p class=legend><span><i class=\"key old\"></i>without the fix</span><span><i class=\"key new\"></i>with it</span>",
        line,
        "</p>"
    )
}

/// A table of shares, each with its bar.
pub(super) fn shares(rows: impl Iterator<Item = (Html, f64, Html)>) -> Html {
    let mut list = html!("<table class=shares>");
    for (name, share, counted) in rows {
        list.push(&[&"<tr><th scope=row>", &name, &"</th><td class=drawn>", &share_bar(share)]);
        list.push(&[&"</td><td>", &percent(share), &" <span class=dim>", &counted, &"</span></td></tr>"]);
    }
    list.push(&[&"</table>"]);
    list
}

/// A share as a bar in a frame of fixed size.
pub(super) fn share_bar(share: f64) -> Html {
    let width = (share * 100.0).clamp(0.0, 100.0);
    html!(
        "<svg class=share viewBox=\"0 0 100 8\" preserveAspectRatio=none aria-hidden=true><rect class=rest width=\"100\" \
         height=\"8\"/><rect class=bar width=\"",
        width,
        "\" height=\"8\"/></svg>"
    )
}

/// What is seen of a chart.
struct Drawn {
    bars: Html,
    /// What stands at the left and at the right end.
    ends: (Option<Html>, Option<Html>),
    under: Html,
}

fn figure(
    what: &'static str,
    most: &Html,
    drawn: &Drawn,
    head: &'static str,
    rows: impl Iterator<Item = Html>,
) -> Html {
    let mut figure = html!("<figure><figcaption>", what, ": ", most, "</figcaption>");
    figure.push(&[&"<svg class=chart viewBox=\"0 0 100 100\" preserveAspectRatio=none role=img aria-label=\"", &what]);
    figure.push(&[&", ", &most.without_tags(), &"\">", &drawn.bars, &"</svg><p class=ends><span>", &drawn.ends.0]);
    figure.push(&[&"</span><span>", &drawn.ends.1, &"</span></p>", &drawn.under]);
    figure.push(&[&"<details><summary>Numbers</summary><table>", &head]);
    rows.for_each(|row| figure.push(&[&row]));
    figure.push(&[&"</table></details></figure>"]);
    figure
}

fn rect(class: &'static str, x: f64, width: f64, height: f64, label: &Html) -> Html {
    html!(
        "<rect class=",
        class,
        " x=\"",
        x,
        "\" y=\"",
        100.0 - height,
        "\" width=\"",
        width,
        "\" height=\"",
        height,
        "\"><title>",
        label,
        "</title></rect>"
    )
}

fn start(bucket: &Bucket) -> String {
    jiff::Timestamp::from_second(bucket.start * 3_600).map(|at| at.to_string()).unwrap_or_default()
}

fn of_side(side: &str) -> &'static str {
    if side == "old" { "without the fix" } else { "with it" }
}

fn per_thousand(rate: f64) -> Html {
    let rate = rate * 1_000.0;
    if rate >= 10.0 { html!(Count(rate.round() as u64)) } else { html!(rate) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_share_of_the_highest_and_labels_stay_text() {
        let bar = |label: &str, value| Bar { label: label.to_owned(), value, shown: html!(value as u64) };
        let chart = bars("Users", &html!("at most 4"), &[bar("<a>", 4.0), bar("b", 1.0), bar("c", 0.0)]).into_string();
        assert!(chart.contains("height=\"100.00\"") && chart.contains("height=\"25.00\""), "{chart}");
        assert!(!chart.contains("<a>") && chart.contains("&lt;a&gt;: 4"), "{chart}");
        assert_eq!(chart.matches("<rect").count(), 2, "nothing is drawn for nothing");
        assert_eq!(bars("Users", &html!(""), &[bar("a", 0.0)]).into_string(), "");
    }

    #[test]
    fn a_side_without_use_is_left_out_and_one_without_failures_is_seen() {
        let bucket = |start, control, new| Bucket { start, hours: 24, control, new };
        let buckets = [bucket(0, (5.0, 100.0), (0.0, 0.0)), bucket(24, (0.0, 0.0), (0.0, 80.0))];
        let chart = rates(&buckets, Some(24 * 3_600), "sessions").into_string();
        assert_eq!(chart.matches("<rect").count(), 2, "{chart}");
        assert!(chart.contains("class=deployed x1=\"50.00\""), "{chart}");
        assert!(chart.contains("at most 50 per 1,000 sessions, by 24 h"), "{chart}");
    }
}
