"""A made-up Sentry on loopback for `sentry_figures.py`: one project, two releases, two issues, one replay.

It answers what prodsignal and the official @sentry/mcp-server ask of a server, counts and keeps each request, and
waits before each answer. Issues, the event and so on are those of tests/data/sentry, moved so that they end an hour
ago; counts are worked out from one list of events. Standard library alone.
"""

import datetime
import http.server
import json
import os
import pathlib
import re
import threading
import time
import urllib.parse

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "sentry"
NOW = datetime.datetime.now(datetime.timezone.utc)
#: What "an hour ago" is in the files.
THEN = datetime.datetime(2026, 11, 20, 11, 0, tzinfo=datetime.timezone.utc)
#: SCALE=30 makes it a busy project, whose issues have too many events to be read one by one.
SCALE = int(os.environ.get("SCALE", "1"))
#: BUSY=1 makes it one of 120 issues and 6,000 events, all of them seen in the newest release.
BUSY = bool(os.environ.get("BUSY"))
MOVED = (NOW - datetime.timedelta(hours=1)).replace(minute=0, second=0, microsecond=0) - THEN
EVENT, OTHER_EVENT = "0123456789abcdef" * 2, "fedcba9876543210" * 2
REPLAY = "abcdef0123456789" * 2
TRACE = "c" * 32


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)


def file(name):
    text = (DATA / f"{name}.json").read_text()
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
    return json.loads(re.sub(stamp, lambda found: iso(parsed(found.group()) + MOVED), text))


ISSUES = {str(issue["id"]): issue for issue in file("issues")}
MORE = range(103, 221) if BUSY else range(0)
ISSUES |= {
    str(number): {**ISSUES["102"], "id": str(number), "shortId": f"SHOP-{number - 100}", "title": f"TypeError: fault {number}",
                  "metadata": {**ISSUES["102"]["metadata"], "value": f"fault {number}"}}
    for number in MORE
}


def issue(name):
    """An issue alone, by number or short id."""
    row = next((row for row in ISSUES.values() if name in (row["id"], row["shortId"])), None)
    if row is None:
        return None
    releases = sorted({own["release"] for own in EVENTS if own["issue.id"] == int(row["id"])})
    tags = [{"key": key, "name": key.title(), "totalValues": int(row["count"])} for key in ("browser", "release")]
    first, last = ({"version": release} for release in (releases[0], releases[-1]))
    return {**file("issue"), **row, "firstRelease": first, "lastRelease": last, "tags": tags}


def event(name):
    found = file("event")
    if issue(name)["id"] == "101":
        found["contexts"]["replay"] = {"replay_id": REPLAY, "type": "replay"}
        found["tags"].append({"key": "replayId", "value": REPLAY})
        return found
    return {**found, "id": OTHER_EVENT, "eventID": OTHER_EVENT, "groupID": "102"}


def happened():
    """All events of the last weeks, as rows of columns."""
    rows = []
    plan = [("101", 3, 40, 3), ("102", 18, 25, 4)]
    # One in ten began with the newest release; few issues have most of the events.
    plan += [(str(number), 3 if number % 10 == 0 else 60, 3 + 462 // (number - 99), 3) for number in MORE]
    for number, (issue, days, users, per_user) in enumerate(plan):
        for user in range(users * SCALE):
            for nth in range(per_user):
                age = datetime.timedelta(hours=(user * 53 + nth * 101) % (days * 24))
                if number > 1 and user == nth == 0:
                    age = datetime.timedelta(hours=1)
                at = THEN + MOVED - age
                first = user == nth == 0
                rows.append({
                    "id": (EVENT, OTHER_EVENT)[number] if first and number < 2 else f"{number:x}{user:015x}{nth:016x}",
                    "issue.id": int(issue), "issue": ISSUES[issue]["shortId"], "project": "shop", "project.name": "shop",
                    "release": "shop@2.3.0" if days == 3 or age.days < 4 else "shop@2.2.0",
                    "user": f"id:{user + number * 10}", "user.id": str(user + number * 10), "at": at,
                    "browser": ("Firefox 142", "Chrome 141")[(user % 5 == 0) != (number > 0)],
                    "environment": "production", "level": "error", "error.unhandled": 1, "trace": TRACE,
                    "replayId": REPLAY if number == 0 and user == 0 else None,
                    "title": ISSUES[issue]["title"], "error.type": ["TypeError"], "culprit": "GET /cart",
                })
    return rows


EVENTS = happened()


def counted():
    """Gives the issues the numbers of their events, and how many there were on each of the last days."""
    days = [int(NOW.timestamp()) // 86_400 - back for back in range(13, -1, -1)]
    for number, row in ISSUES.items():
        own = [event for event in EVENTS if event["issue.id"] == int(number)]
        by_day = [[day * 86_400, sum(int(event["at"].timestamp()) // 86_400 == day for event in own)] for day in days]
        row.update(count=str(len(own)), userCount=len({event["user"] for event in own}), stats={"14d": by_day},
                   firstSeen=iso(min(event["at"] for event in own)), lastSeen=iso(max(event["at"] for event in own)))


counted()


def fits(row, search):
    for negated, key, values in re.findall(r'(!?)([\w.\[\]]+):(\[[^\]]*\]|"[^"]*"|\S+)', search):
        if key in ("has", "is"):
            found = key == "is" or row.get(values.strip('"')) is not None
        else:
            wanted = [value.strip(' "') for value in values.strip("[]").split(",")]
            found = str(row.get({"id": "id"}.get(key, key))) in wanted
        if found == bool(negated):
            return False
    return True


def within(query):
    start, end = (query.get(edge, [None])[0] for edge in ("start", "end"))
    if start is None:
        days = int(re.sub(r"\D", "", query.get("statsPeriod", ["14d"])[0]) or 14)
        return NOW - datetime.timedelta(days=days), NOW + datetime.timedelta(hours=1)
    return parsed(start), parsed(end)


def column(row, field):
    if field in ("timestamp", "timestamp.to_hour", "timestamp.to_day"):
        cut = {"timestamp.to_hour": {"minute": 0, "second": 0}, "timestamp.to_day": {"hour": 0, "minute": 0, "second": 0}}
        return iso(row["at"].replace(**cut.get(field, {})))
    return row.get(re.sub(r"^tags\[(.*)\]$", r"\1", field))


def aggregate(rows, field):
    name, inner = re.fullmatch(r"(\w+)\((.*)\)", field).groups()
    if name == "count":
        return len(rows)
    values = [value for row in rows if (value := column(row, inner or "timestamp")) is not None]
    if name == "count_unique":
        return len(set(map(str, values)))
    newest = name in ("max", "last_seen")
    return (max if newest else min)(values, default=None)


def table(query):
    """Rows of events, or groups of them, as `events/` answers."""
    if query.get("dataset", ["errors"])[0] not in ("errors", "discover"):
        return {"data": [], "meta": {"fields": {}, "units": {}}}
    start, end = within(query)
    fields, search = query.get("field", []), query.get("query", [""])[0]
    rows = [row for row in EVENTS if start <= row["at"] <= end and fits(row, search)]
    if any("(" in field for field in fields):
        groups = {}
        keys = [field for field in fields if "(" not in field]
        for row in rows:
            groups.setdefault(json.dumps([column(row, key) for key in keys]), []).append(row)
        if not keys:
            groups = {"[]": rows}
        found = [
            {**dict(zip(keys, json.loads(key))), **{f: aggregate(rows, f) for f in fields if "(" in f}}
            for key, rows in groups.items()
        ]
    else:
        found = [{field: column(row, field) for field in {*fields, "id", "project.name"}} for row in rows]
    sort = query.get("sort", ["-timestamp"])[0]
    key = sort.lstrip("-")
    if all(key in row for row in found):
        found.sort(key=lambda row: (row[key] is not None, row[key]), reverse=sort.startswith("-"))
    return {"data": found, "meta": {"fields": {field: "string" for field in fields}, "units": {}}}


def timeseries(query):
    start, end = within(query)
    step = int(query.get("interval", ["86400000"])[0]) // 1000
    rows = [row for row in EVENTS if start <= row["at"] <= end and fits(row, query.get("query", [""])[0])]
    axis = query.get("yAxis", ["count()"])[0]
    values = []
    for at in range(int(start.timestamp()) // step * step, int(end.timestamp()), step):
        inside = [row for row in rows if at <= row["at"].timestamp() < at + step]
        values.append({"timestamp": at * 1000, "value": aggregate(inside, axis), "incomplete": False})
    meta = {"dataset": "errors", "start": values[0]["timestamp"], "end": values[-1]["timestamp"]}
    series = {"yAxis": axis, "values": values, "meta": {"interval": step * 1000, "valueType": "integer", "valueUnit": None}}
    return {"timeSeries": [series], "meta": meta}


def sessions(query):
    """Ten sessions an hour and five users, on the newest release of the time; one in fifty crashes."""
    start, end = within(query)
    step = {"h": 3600, "d": 86_400}[query["interval"][0][-1]] * int(query["interval"][0][:-1])
    began = {release["version"]: parsed(release["dateCreated"]) for release in file("releases")}
    wanted = query.get("query", [""])[0]
    starts = range(int(start.timestamp()) // step * step, int(end.timestamp()) + 1, step)
    found = {}
    for place, at in enumerate(starts):
        for hour in range(at, at + step, 3600):
            moment = datetime.datetime.fromtimestamp(hour, datetime.timezone.utc)
            running = [name for name, since in began.items() if since <= moment < NOW]
            if not running or (wanted and not fits({"release": max(running)}, wanted)):
                continue
            for status, share in (("healthy", 0.98), ("crashed", 0.02)):
                all_of = {"project": 1, "release": max(running), "session.status": status, "environment": "production"}
                key = json.dumps({key: all_of[key] for key in query.get("groupBy", [])})
                found.setdefault(key, [[0, 0] for _ in starts])[place][status == "crashed"] += 50 * share
    groups = []
    for key, series in found.items():
        healthy, crashed = (sum(cell[side] for cell in series) for side in (0, 1))
        known = lambda a, b: {"sum(session)": round(a + b), "count_unique(user)": min(400 * SCALE, round((a + b) * SCALE / 4)),
                              "crash_free_rate(session)": a / (a + b) if a + b else None}
        group = {"by": json.loads(key), "totals": {f: known(healthy, crashed)[f] for f in query["field"]}, "series": {}}
        if query.get("includeSeries", ["1"])[0] == "1":
            group["series"] = {f: [known(*cell)[f] for cell in series] for f in query["field"]}
        groups.append(group)
    intervals = [iso(datetime.datetime.fromtimestamp(at, datetime.timezone.utc)) for at in starts]
    return {"start": iso(start), "end": iso(end), "query": wanted, "intervals": intervals, "groups": groups}


def replay():
    end = THEN + MOVED
    return {
        "id": REPLAY, "project_id": "1", "started_at": iso(end - datetime.timedelta(seconds=20)), "finished_at": iso(end),
        "duration": 20, "urls": ["https://shop.example/cart"], "error_ids": [EVENT], "trace_ids": [TRACE],
        "info_ids": [], "warning_ids": [], "count_errors": 1, "count_rage_clicks": 0, "count_dead_clicks": 0,
        "count_segments": 1, "count_urls": 1, "count_infos": 0, "count_warnings": 0, "activity": 4,
        "environment": "production", "releases": ["shop@2.3.0"], "platform": "javascript", "replay_type": "session",
        "is_archived": False, "has_viewed": False, "dist": None, "tags": {}, "clicks": [],
        "browser": {"name": "Firefox", "version": "142"}, "os": {"name": "Linux", "version": None},
        "device": {"name": None, "brand": None, "model": None, "family": None},
        "user": {"id": "0", "username": None, "email": None, "ip": None, "display_name": None},
        "sdk": {"name": "sentry.javascript.browser", "version": "10.0.0"},
    }


def recording():
    began = int((THEN + MOVED).timestamp() * 1000) - 20_000
    text = lambda number, said: {"type": 3, "id": number, "textContent": said}
    button = {"type": 2, "id": 4, "tagName": "button", "attributes": {"id": "add"}, "childNodes": [text(5, "Add to cart")]}
    body = {"type": 2, "id": 3, "tagName": "body", "attributes": {}, "childNodes": [button]}
    html = {"type": 2, "id": 2, "tagName": "html", "attributes": {}, "childNodes": [body]}
    click = {"type": "default", "category": "ui.click", "timestamp": began / 1000 + 18, "message": "body > button#add",
             "data": {"nodeId": 4, "node": {"id": 4, "tagName": "button", "attributes": {"id": "add"}, "textContent": "Add to cart"}}}
    return [[
        {"type": 4, "timestamp": began, "data": {"href": "https://shop.example/cart", "width": 1280, "height": 720}},
        {"type": 2, "timestamp": began + 50, "data": {"node": {"type": 0, "id": 1, "childNodes": [html]}, "initialOffset": {"left": 0, "top": 0}}},
        {"type": 3, "timestamp": began + 18_000, "data": {"source": 2, "type": 2, "id": 4, "x": 40, "y": 20}},
        {"type": 5, "timestamp": began + 18_000, "data": {"tag": "breadcrumb", "payload": click}},
    ]]


def answer(path, query):
    """The body for a path; `None`: there is no such thing."""
    match [part for part in path.removeprefix("/api/0/").split("/") if part]:
        case ["organizations"]:
            return [file("organization")]
        case ["organizations", _]:
            return file("organization")
        case ["organizations", _, ("projects" | "environments") as name]:
            return file(name)
        case ["organizations", _, "releases"]:
            return [{**release, "lastCommit": None} for release in file("releases")]
        case ["organizations", _, "issues"]:
            search = query.get("query", [""])[0]
            asked = re.findall(r"\bissue(?:\.id)?:(\S+)", search)
            found = [row for row in ISSUES.values() if not asked or asked[0] in (row["id"], row["shortId"])]
            return sorted(found, key=lambda row: -row["userCount"])
        case ["organizations", _, "sessions"]:
            return sessions(query)
        case ["projects", _, "shop"]:
            return file("projects")[0]
        case ["projects", _, "shop", "environments"]:
            return file("environments")
        case ["organizations", _, "events"]:
            return table(query)
        case ["organizations", _, "events-timeseries"]:
            return timeseries(query)
        case ["organizations", _, "eventids", EVENT_ID] if EVENT_ID in (EVENT, OTHER_EVENT):
            number = "101" if EVENT_ID == EVENT else "102"
            return {**file("eventid"), "groupId": number, "eventId": EVENT_ID, "event": event(number)}
        case ["organizations", _, "shortids", name] if issue(name):
            return {"organizationSlug": "acme", "projectSlug": "shop", "groupId": issue(name)["id"], "shortId": name, "group": issue(name)}
        case ["organizations", _, "issues", name] if issue(name):
            return issue(name)
        case ["organizations", _, "issues", name, "events"] if issue(name):
            return file("issue_events")
        case ["organizations", _, "issues", name, "events", _] if issue(name):
            return event(name)
        case ["projects", _, _, "events", which] if which in (EVENT, OTHER_EVENT):
            return event("101" if which == EVENT else "102")
        case ["organizations", _, "issues", name, "tags", key] if issue(name):
            own = [row for row in EVENTS if row["issue.id"] == int(issue(name)["id"])]
            values = sorted({row.get(key) for row in own if row.get(key)})
            top = [{"value": v, "name": v, "count": sum(row.get(key) == v for row in own), "firstSeen": iso(min(r["at"] for r in own)),
                    "lastSeen": iso(max(r["at"] for r in own)), "key": key} for v in values]
            return {"key": key, "name": key.title(), "uniqueValues": len(values), "totalValues": len(own), "topValues": top}
        case ["organizations", _, "replay-count"]:
            return {"101": [REPLAY]}
        case ["organizations", _, "replays", which] if which == REPLAY:
            return {"data": replay()}
        case ["projects", _, _, "replays", which, "recording-segments"] if which == REPLAY:
            return recording()
        case ["organizations", _, "trace-meta", _]:
            return {"logs": 0, "errors": 1, "performance_issues": 0, "span_count": 0, "span_count_map": {}, "transaction_child_count_map": []}
        case ["organizations", _, "trace", _]:
            return []
        case ["organizations", _, "tags"] | ["organizations", _, "trace-items", "attributes"]:
            return [{"key": key, "name": key.title(), "totalValues": len(EVENTS)} for key in ("browser", "environment", "release")]
        case ["projects", _, _, "events", _, "attachments"] | ["organizations", _, "issues", _, "external-issues"]:
            return []
        case ["organizations", _, "events", "validate"]:
            good = [{"name": name, "valid": True, "error": None, "attrType": "string"} for name in query.get("field", [])]
            dataset = [{"name": query["dataset"][0], "valid": True, "error": None}]
            whole = {"valid": True, "error": None, "fields": []}
            return {"valid": True, "projects": [], "dataset": dataset, "environment": [], "field": good, "query": whole, "orderby": []}
        case ["projects", _, "shop", "stacktrace-link"]:
            return {"config": None, "sourceUrl": None, "integrations": [], "error": "no_integration"}
        case ["auth"] | ["users", "me"]:
            return {"id": "1", "name": "Ada", "email": "ada@example.com", "username": "ada"}
        case ["users", "me", "regions"]:
            return {"regions": []}
        case ["organizations", _, "issues", _, "autofix"]:
            return {"autofix": None}
    return None


def page(found, query, address):
    """One page of a list or a table, and the header that names the next."""
    begin = int(query.get("cursor", ["0:0:0"])[0].split(":")[1])
    end = begin + min(100, int(query.get("per_page", query.get("limit", ["100"]))[0]))
    items = found["data"] if isinstance(found, dict) and isinstance(found.get("data"), list) else found
    whole = len(items) if isinstance(items, list) else 0
    if isinstance(found, list):
        found = found[begin:end]
    elif items is not found:
        found = {**found, "data": items[begin:end]}
    more = ("false", "true")[whole > end]
    return found, f'<http://{address}>; rel="next"; results="{more}"; cursor="0:{end}:0"'


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers reads, each after `delay_s`, and keeps what was asked in `seen`."""

    protocol_version = "HTTP/1.1"
    seen, lacking, delay_s = [], set(), 0.08

    def do_GET(self):
        Upstream.seen.append(self.path)
        url = urllib.parse.urlsplit(self.path)
        time.sleep(Upstream.delay_s)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        found = answer(url.path, query)
        if found is None:
            Upstream.lacking.add(url.path)
        found, link = page(found, query, self.headers["host"] + self.path)
        body = json.dumps({"detail": "not here"} if found is None else found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("link", link)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100
    daemon_threads = True


def start(delay_s):
    """Starts it on a free port; its `host:port`."""
    Upstream.delay_s = delay_s
    server = Server(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"
