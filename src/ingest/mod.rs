//! Bytes become a digest: parsed, grouped, scrubbed.
//! It uses the floors below.
//! It never writes.
