#!/bin/sh
# Stays, and runs an agent for each incident: the finding with its hand-off is the agent's standard input. The issue is claimed
# meanwhile, so that two responders never get the same one.
#   AGENT         the command; a failure is tried again
#   PRODSIGNAL    the program [prodsignal]
set -eu
exec "${PRODSIGNAL:-prodsignal}" --allow-writes watch --kinds new,regressed,escalating,relapsed --exec "$AGENT" "$@"
