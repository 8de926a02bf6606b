#!/usr/bin/env python3
"""The whole loop on a store of its own: deploy, break, fix, verify.

    examples/fix_loop.py [PROGRAM]        PROGRAM: target/release/prodsignal by default

A small shop is deployed and used for a week. Release 1.1.0 breaks the checkout for one user in twelve. Release 1.2.0
claims to fix it and doesn't; 1.3.0 does. After each the gate is asked, as CI would ask it. Nothing but Python's
standard library is needed; nothing is sent anywhere.
"""
import datetime, json, os, pathlib, random, subprocess, sys, tempfile, time, uuid

HOUR = 3600
# The loop ends now, or at the time that SOURCE_DATE_EPOCH names.
NOW = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
START = NOW // HOUR * HOUR - 14 * 24 * HOUR
rng = random.Random(7)


def iso(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def envelope(*items):
    lines = ["{}"]
    for kind, body in items:
        lines += [json.dumps({"type": kind}), json.dumps(body)]
    return "\n".join(lines) + "\n"


def crash(t, user, release):
    frames = [{"function": f, "filename": "src/cart.js", "lineno": 10 + i, "in_app": True} for i, f in enumerate(["onSubmit", "cartTotal"])]
    return envelope(("event", {
        "event_id": uuid.UUID(int=rng.getrandbits(128), version=4).hex, "timestamp": iso(t), "platform": "javascript", "level": "error",
        "release": release, "environment": "production", "transaction": "/checkout", "user": {"id": user},
        "exception": {"values": [{"type": "TypeError", "value": "Cannot read properties of undefined (reading 'total')",
                                  "mechanism": {"type": "generic", "handled": False}, "stacktrace": {"frames": frames}}]}}))


def day(first_hour, hours, release, crash_rate, earlier=None, stay=0.0):
    """So many hours of use; `stay` of the users still run the release before."""
    lines = []
    for hour in range(first_hour, first_hour + hours):
        sessions = []
        for _ in range(40):
            user, t = f"user-{rng.randrange(600)}", START + hour * HOUR + rng.randrange(HOUR)
            on, rate = (earlier if earlier and rng.random() < stay else (release, crash_rate))
            failed = rng.random() < rate
            sessions.append(("session", {
                "sid": str(uuid.UUID(int=rng.getrandbits(128), version=4)), "did": user, "init": True, "started": iso(t),
                "timestamp": iso(t + 60), "status": "crashed" if failed else "exited", "errors": int(failed),
                "attrs": {"release": on, "environment": "production"}}))
            if failed:
                lines.append(crash(t + 5, user, on))
        lines.append(envelope(*sessions))
    return lines


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    program = sys.argv[1] if len(sys.argv) > 1 else str(root / "target" / "release" / "prodsignal")
    with tempfile.TemporaryDirectory() as folder:
        store = ["--store", folder + "/store", "--environment", "production"]

        def run(*words, feed=None):
            done = subprocess.run([program, *store, *words], input=feed, capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

        def use(what, lines):
            feed = "".join(json.dumps(line) + "\n" for line in lines)
            code, said = run("--project", "shop", "import", "-", feed=feed)
            assert code == 0, said
            print(f"\n== {what}")

        def gate(release, want, hour):
            # As things stood then; CI would leave it out, or wait with --wait.
            code, said = run("verify", "SHOP-1", release, "--markdown", "--as-of", iso(START + hour * HOUR))
            print(said.strip())
            print(f"exit {code}")
            assert code == want, f"the gate should have said {want}"

        use("deploy: shop@1.0.0 runs for three days, nothing breaks", day(0, 72, "shop@1.0.0", 0))
        use("break: shop@1.1.0 fails at the checkout for four days", day(72, 96, "shop@1.1.0", 0.08))
        gate("1.2.0", 3, 168)
        use("a fix that is none: shop@1.2.0, two days", day(168, 48, "shop@1.2.0", 0.08, ("shop@1.1.0", 0.08), 0.2))
        gate("1.2.0", 4, 216)
        use("the fix: shop@1.3.0, one hour", day(216, 1, "shop@1.3.0", 0, ("shop@1.2.0", 0.08), 0.5))
        gate("1.3.0", 3, 217)
        use("the fix: three days later", day(217, 72, "shop@1.3.0", 0, ("shop@1.2.0", 0.08), 0.1))
        gate("1.3.0", 0, 289)
        print("\nDeployed, broken, fixed, and proven.")


if __name__ == "__main__":
    main()
