//! Tests of verify: the statistics, the verdicts, the store's part, the tool and the gate.

mod gate;
mod made;
mod properties;
mod sides;
pub mod store;
mod vectors;
mod verdicts;
