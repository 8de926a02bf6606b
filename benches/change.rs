//! How often steady histories are called escalating, and how soon steps are: histories with day, night and weekend,
//! polled every hour for eight weeks. The figures of docs/change.md.
//!
//! `cargo bench --bench change`.

#![allow(clippy::print_stdout)]

use prodsignal::{
    change::{History, Hour, InRelease, Series, classify},
    model::{Change, Status, Timestamp},
};

/// 2026-09-07, a Monday.
const START: i64 = 1_788_739_200;
const WEEKS: usize = 8;
const HOURS: usize = WEEKS * 7 * 24;
/// Histories of each kind.
const HISTORIES: u64 = 40;

/// A small generator (splitmix64), so that every run draws the same.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (2.0 * std::f64::consts::PI * self.unit()).cos()
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 40.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (mut n, mut left) = (0, (-mean).exp());
        let limit = left;
        left = self.unit();
        while left > limit {
            left *= self.unit();
            n += 1;
        }
        n
    }
}

/// A kind of history.
#[derive(Clone, Copy)]
struct World {
    name: &'static str,
    /// User-days a day.
    a_day: f64,
    /// Sessions a day.
    traffic: f64,
    /// Traffic at the weekend, as a share of a working day's.
    weekend: f64,
    /// The rate a session at the weekend and by night, as shares of that of a working day.
    weekend_rate: f64,
    night_rate: f64,
    /// Growth of the traffic over the whole time.
    growth: f64,
    /// Spread of the rate from day to day, as a deviation of its logarithm.
    wobble: f64,
    /// Whether the traffic is known.
    known: bool,
}

const STEADY: World = World {
    name: "day and night",
    a_day: 20.0,
    traffic: 2_000.0,
    weekend: 1.0,
    weekend_rate: 1.0,
    night_rate: 1.0,
    growth: 1.0,
    wobble: 0.0,
    known: true,
};

fn worlds() -> Vec<World> {
    vec![
        World { name: "rare, 1 a day", a_day: 1.0, ..STEADY },
        STEADY,
        World { name: "frequent, 400 a day", a_day: 400.0, ..STEADY },
        World { name: "weekends at 30 %", weekend: 0.3, ..STEADY },
        World { name: "weekends at 250 %, rate a session 3 times", weekend: 2.5, weekend_rate: 3.0, ..STEADY },
        World { name: "failing by night mostly", night_rate: 8.0, ..STEADY },
        World { name: "traffic grows fivefold", growth: 5.0, ..STEADY },
        World { name: "rate differs from day to day", wobble: 0.35, a_day: 100.0, ..STEADY },
        World { name: "traffic unknown, weekends at 30 %", known: false, weekend: 0.3, ..STEADY },
    ]
}

/// A history whose rate is multiplied by `step` from the hour `at` on.
fn history(world: World, seed: u64, step: f64, at: usize) -> Series {
    let mut dice = Dice(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ world.name.len() as u64);
    let mut wobble = 1.0;
    let hours = (0..HOURS).map(|hour| {
        let (day, of_day) = (hour / 24, hour % 24);
        if of_day == 0 {
            wobble = (world.wobble * dice.normal()).exp();
        }
        let wave = 1.0 + 0.8 * ((of_day as f64 / 24.0 - 0.3) * 2.0 * std::f64::consts::PI).sin();
        let is_weekend = day % 7 >= 5;
        let grown = 1.0 + (world.growth - 1.0) * hour as f64 / HOURS as f64;
        let traffic = world.traffic / 24.0 * wave * grown * if is_weekend { world.weekend } else { 1.0 };
        let of_night = if (6..22).contains(&of_day) { 1.0 } else { world.night_rate };
        let rate = world.a_day / world.traffic * of_night * if is_weekend { world.weekend_rate } else { 1.0 };
        let stepped = if hour >= at { step } else { 1.0 };
        let count = dice.poisson(traffic * rate * wobble * stepped);
        Hour { count, exposure: if world.known { dice.poisson(traffic) } else { 0 } }
    });
    Series { start: Timestamp::from_second(START).expect("a time"), hours: hours.collect() }
}

/// Whether the history looks escalating after so many hours.
fn escalates(series: &Series, hours: usize) -> bool {
    let seen = Series { start: series.start, hours: series.hours[..hours].to_vec() };
    let moment = |hour: usize| Timestamp::from_second(START + hour as i64 * 3_600).expect("a time");
    let release = InRelease {
        release: "shop@1.0.0".into(),
        events: 9,
        exposure: 900,
        first: Some(moment(0)),
        last: Some(moment(hours)),
    };
    let (change, _) = classify(&History {
        releases: &[release],
        since: None,
        start: Some(moment(1)),
        as_of: moment(hours),
        first_seen: moment(0),
        last_seen: moment(hours),
        status: Status::Unresolved,
        resolution: None,
        after_resolution: None,
        series: &seen,
    });
    change == Change::Escalating
}

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
        for a_day in [2.0, 20.0, 200.0] {
            let world = World { a_day, weekend: 0.5, ..STEADY };
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
            println!("| {step}× | {a_day} | {found} of {HISTORIES} | {} ({}) |", told(median), told(most));
        }
    }
}
