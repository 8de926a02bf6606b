//! Tests of release.
