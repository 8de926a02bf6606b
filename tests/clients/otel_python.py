"""A Flask service under `opentelemetry-instrument`, asked a few times: opentelemetry-instrument python3 otel_python.py

Where it sends to is said by environment variables alone. OTEL_WAIT=HOST:PORT waits for a collector that is just starting.
"""

import logging
import os
import socket
import time

from flask import Flask, request
from opentelemetry import trace

app = Flask("kiosk")
log = logging.getLogger("kiosk.tickets")
RATES = {"DE": 19}


class TicketError(Exception):
    pass


def vat_of(country):
    return RATES[country]


@app.before_request
def visitor():
    trace.get_current_span().set_attribute("user.id", request.headers["X-User"])
    trace.get_current_span().set_attribute("kiosk.plan", request.headers.get("X-Plan", "free"))


@app.post("/tickets/<country>")
def ticket(country):
    log.warning("no VAT rate cached for %s", country)
    try:
        return {"price": 100 + vat_of(country)}
    except KeyError as error:
        raise TicketError(f"no price for {country}") from error


@app.get("/rates")
def rates():
    try:
        vat_of("XX")
    except KeyError:
        log.exception("rates are stale")
    return {}


@app.get("/health")
def health():
    return {}


if "OTEL_WAIT" in os.environ:
    host, port = os.environ["OTEL_WAIT"].split(":")
    for _ in range(100):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)

client = app.test_client()
for n in range(3):
    client.post("/tickets/CH", headers={"X-User": f"visitor-{n}", "X-Plan": "pro"})
for n in range(20):
    client.get("/health", headers={"X-User": f"visitor-{n}"})
client.get("/rates", headers={"X-User": "visitor-7"})
