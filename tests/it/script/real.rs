//! The scripts against real applications.
