#!/bin/sh
# The daily round: hands what changed since the last run to an agent, once. For cron.
#   AGENT         the command that gets the findings on its standard input, a JSON object a line
#   STATE         file that remembers how far it came [~/.prodsignal-triage]
#   PRODSIGNAL    the program [prodsignal]
set -eu
state="${STATE:-$HOME/.prodsignal-triage}"
since="$(cat "$state" 2>/dev/null || echo 0)"
findings="$("${PRODSIGNAL:-prodsignal}" watch --json --once --since "$since" --kinds new,regressed,escalating,relapsed)"
[ -n "$findings" ] || exit 0
printf '%s\n' "$findings" | sh -c "$AGENT"
# Only once the agent has ended well: else the next run hands the same over again.
printf '%s\n' "$findings" | tail -n 1 | sed 's/^{"id":\([0-9]*\).*/\1/' > "$state"
