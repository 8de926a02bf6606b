//! Metrics become points.

use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, metric::Data, number_data_point::Value as Number,
};

use super::{
    Group, Point, Request,
    read::resource,
    value::{attributes, micros},
};

pub(super) fn points(sent: ResourceMetrics, request: &mut Request) {
    let mut group = Group { resource: resource(sent.resource), ..Group::default() };
    for metric in sent.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
        of_metric(metric, &mut group.points);
    }
    request.groups.push(group);
}

fn of_metric(metric: Metric, points: &mut Vec<Point>) {
    let bare = Point { name: metric.name, unit: metric.unit, ..Point::default() };
    match metric.data {
        None => {}
        Some(Data::Gauge(data)) => points.extend(data.data_points.into_iter().map(|p| number(p, "gauge", &bare))),
        Some(Data::Sum(data)) => points.extend(data.data_points.into_iter().map(|p| number(p, "sum", &bare))),
        Some(Data::Histogram(data)) => points.extend(data.data_points.into_iter().map(|p| Point {
            kind: "histogram",
            time: micros(p.time_unix_nano),
            value: p.sum.unwrap_or(0.0),
            count: Some(p.count),
            attributes: attributes(p.attributes),
            ..bare.clone()
        })),
        Some(Data::ExponentialHistogram(data)) => points.extend(data.data_points.into_iter().map(|p| Point {
            kind: "histogram",
            time: micros(p.time_unix_nano),
            value: p.sum.unwrap_or(0.0),
            count: Some(p.count),
            attributes: attributes(p.attributes),
            ..bare.clone()
        })),
        Some(Data::Summary(data)) => points.extend(data.data_points.into_iter().map(|p| Point {
            kind: "summary",
            time: micros(p.time_unix_nano),
            value: p.sum,
            count: Some(p.count),
            attributes: attributes(p.attributes),
            ..bare.clone()
        })),
    }
}

fn number(sent: NumberDataPoint, kind: &'static str, bare: &Point) -> Point {
    let value = match sent.value {
        Some(Number::AsDouble(value)) => value,
        Some(Number::AsInt(value)) => value as f64,
        None => 0.0,
    };
    Point { kind, time: micros(sent.time_unix_nano), value, attributes: attributes(sent.attributes), ..bare.clone() }
}
