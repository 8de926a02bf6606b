//! What Sentry SDKs send: envelopes, items, DSNs, encodings.
//! It uses `model` alone.
//! It never panics on input.
