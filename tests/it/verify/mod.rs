//! Tests of verify: the statistics, the verdicts, the tool and the gate.

mod vectors;
