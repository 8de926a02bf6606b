#!/bin/sh
# Stays, and posts each change to Slack, one line each. Signed posts to your own receiver work the same way: name its URL and set
# PRODSIGNAL_WEBHOOK_SECRET.
#   SLACK_WEBHOOK  the address that Slack gave
#   PRODSIGNAL     the program [prodsignal]
set -eu
exec "${PRODSIGNAL:-prodsignal}" watch --webhook "$SLACK_WEBHOOK" --webhook-form slack "$@"
