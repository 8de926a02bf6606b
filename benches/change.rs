//! How often steady histories are called escalating, and how soon steps are: histories with day, night and weekend,
//! polled every hour for eight weeks. The figures of docs/change.md.
//!
//! `cargo bench --bench change`.

#![allow(clippy::print_stdout)]

#[path = "../tests/it/steady.rs"]
mod steady;

use steady::{HISTORIES, HOURS, STEADY, WEEKS, Wobble, World, escalates, history, worlds};

fn main() {
    println!("| steady history, polled hourly for {WEEKS} weeks | histories | ever called escalating | polls |");
    println!("|---|---|---|---|");
    for world in worlds() {
        let (mut ever, mut polls) = (0, 0);
        for seed in 0..HISTORIES {
            let series = history(world, seed, 1.0, 0);
            let alarms = (72..HOURS).filter(|hour| escalates(&series, *hour)).count();
            ever += u64::from(alarms > 0);
            polls += alarms;
        }
        println!("| {} | {HISTORIES} | {ever} | {polls} of {} |", world.name, HISTORIES * (HOURS as u64 - 72));
    }
    println!(
        "\n| step after four weeks | rate before, a day | found | hours until then, median (90 %) |\n|---|---|---|---|"
    );
    let at = 4 * 7 * 24 + 9;
    for step in [2.0, 3.0, 5.0] {
        for (a_day, wobble) in [
            (2.0, Wobble::None),
            (5.0, Wobble::None),
            (20.0, Wobble::None),
            (200.0, Wobble::None),
            (20.0, Wobble::Gamma(0.12)),
            (100.0, Wobble::Gamma(0.12)),
        ] {
            let world = World { a_day, wobble, weekend: 0.5, ..STEADY };
            let mut delays: Vec<usize> = (0..HISTORIES)
                .map(|seed| {
                    let series = history(world, 1_000 + seed, step, at);
                    (at..at + 14 * 24).find(|hour| escalates(&series, *hour)).map_or(usize::MAX, |hour| hour - at)
                })
                .collect();
            delays.sort_unstable();
            let found = delays.iter().filter(|delay| **delay < usize::MAX).count();
            let told = |delay: usize| if delay == usize::MAX { "–".to_owned() } else { delay.to_string() };
            let (median, most) = (delays[delays.len() / 2], delays[delays.len() * 9 / 10]);
            let days = if matches!(wobble, Wobble::None) { "" } else { ", days differ by 35 %" };
            println!("| {step}× | {a_day}{days} | {found} of {HISTORIES} | {} ({}) |", told(median), told(most));
        }
    }
}
