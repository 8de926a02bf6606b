//! Tests of sdks.
