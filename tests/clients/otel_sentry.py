"""Sentry's SDK that leaves its spans to OpenTelemetry: python3 otel_sentry.py DSN"""

import sys

import sentry_sdk
from opentelemetry import trace
from sentry_sdk.integrations.otlp import OTLPIntegration

sentry_sdk.init(dsn=sys.argv[1], release="till@1.2.0", integrations=[OTLPIntegration()])


def weigh(parcel):
    return parcel["grams"] / 1000


with trace.get_tracer("till").start_as_current_span("weigh parcels", kind=trace.SpanKind.SERVER):
    try:
        weigh({"id": 4})
    except KeyError as error:
        sentry_sdk.capture_exception(error)
# Were an export refused, the exporter would log an error, which this SDK reports as an issue.
trace.get_tracer_provider().force_flush()
sentry_sdk.flush(timeout=5)
