//! Tests of markers.
