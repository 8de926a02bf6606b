//! Histories of an issue, drawn by dice that fall alike on every run: steady ones, and such with a step.

use prodsignal::{
    change::{History, Hour, InRelease, Series, classify},
    model::{Change, Status, Timestamp},
};

/// 2026-09-07, a Monday.
pub const START: i64 = 1_788_739_200;
pub const WEEKS: usize = 8;
pub const HOURS: usize = WEEKS * 7 * 24;
/// Histories of each kind.
pub const HISTORIES: u64 = 40;

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

    /// Of mean one (Marsaglia and Tsang, 2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        let more = if shape < 1.0 { shape + 1.0 } else { shape };
        let boost = if shape < 1.0 { (1.0 - self.unit()).powf(1.0 / shape) } else { 1.0 };
        let d = more - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && (1.0 - self.unit()).ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
                return d * v * boost / shape;
            }
        }
    }
}

/// What the rate of a day is multiplied by.
#[derive(Clone, Copy)]
#[allow(dead_code)]
pub enum Wobble {
    None,
    /// Gamma distributed, with that squared coefficient of variation: counts of days are negative binomial.
    Gamma(f64),
    /// Its logarithm is normal with that deviation.
    LogNormal(f64),
    /// The same, and as like the day before as that.
    Drift(f64, f64),
}

/// A kind of history.
#[derive(Clone, Copy)]
pub struct World {
    pub name: &'static str,
    /// User-days a day.
    pub a_day: f64,
    /// Sessions a day.
    pub traffic: f64,
    /// Traffic at the weekend, as a share of a working day's.
    pub weekend: f64,
    /// The rate a session at the weekend and by night, as shares of that of a working day.
    pub weekend_rate: f64,
    pub night_rate: f64,
    /// Growth of the traffic over the whole time.
    pub growth: f64,
    /// How the rate differs from day to day.
    pub wobble: Wobble,
    /// Whether the traffic is known.
    pub known: bool,
}

pub const STEADY: World = World {
    name: "day and night",
    a_day: 20.0,
    traffic: 2_000.0,
    weekend: 1.0,
    weekend_rate: 1.0,
    night_rate: 1.0,
    growth: 1.0,
    wobble: Wobble::None,
    known: true,
};

#[allow(dead_code)]
pub fn worlds() -> Vec<World> {
    vec![
        World { name: "rare, 1 a day", a_day: 1.0, ..STEADY },
        STEADY,
        World { name: "frequent, 400 a day", a_day: 400.0, ..STEADY },
        World { name: "weekends at 30 %", weekend: 0.3, ..STEADY },
        World { name: "weekends at 250 %, rate a session 3 times", weekend: 2.5, weekend_rate: 3.0, ..STEADY },
        World { name: "failing by night mostly", night_rate: 8.0, ..STEADY },
        World { name: "traffic grows fivefold", growth: 5.0, ..STEADY },
        World {
            name: "days differ by 22 % (negative binomial), 100 a day",
            wobble: Wobble::Gamma(0.05),
            a_day: 100.0,
            ..STEADY
        },
        World {
            name: "days differ by 35 % (negative binomial), 100 a day",
            wobble: Wobble::Gamma(0.12),
            a_day: 100.0,
            ..STEADY
        },
        World { name: "days differ by 50 % (negative binomial), 20 a day", wobble: Wobble::Gamma(0.25), ..STEADY },
        World { name: "days differ by 70 % (negative binomial), 20 a day", wobble: Wobble::Gamma(0.5), ..STEADY },
        World {
            name: "days differ by 70 % (negative binomial), 200 a day",
            wobble: Wobble::Gamma(0.5),
            a_day: 200.0,
            ..STEADY
        },
        World {
            name: "days differ by 100 % (negative binomial), 10 a day",
            wobble: Wobble::Gamma(1.0),
            a_day: 10.0,
            ..STEADY
        },
        World {
            name: "days differ by a factor of 1.4 (log-normal), 100 a day",
            wobble: Wobble::LogNormal(0.35),
            a_day: 100.0,
            ..STEADY
        },
        World {
            name: "days differ by a factor of 1.8 (log-normal), 30 a day",
            wobble: Wobble::LogNormal(0.6),
            a_day: 30.0,
            ..STEADY
        },
        World {
            name: "the rate drifts by a factor of 1.4, days alike by 0.6",
            wobble: Wobble::Drift(0.35, 0.6),
            a_day: 50.0,
            ..STEADY
        },
        World { name: "traffic unknown, weekends at 30 %", known: false, weekend: 0.3, ..STEADY },
    ]
}

/// A history whose rate is multiplied by `step` from the hour `at` on.
pub fn history(world: World, seed: u64, step: f64, at: usize) -> Series {
    let mut dice = Dice(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ world.name.len() as u64);
    let (mut wobble, mut level) = (1.0, 0.0);
    let hours = (0..HOURS).map(|hour| {
        let (day, of_day) = (hour / 24, hour % 24);
        if of_day == 0 {
            wobble = match world.wobble {
                Wobble::None => 1.0,
                Wobble::Gamma(spread) => dice.gamma(1.0 / spread),
                Wobble::LogNormal(by) => (by * dice.normal() - by * by / 2.0).exp(),
                Wobble::Drift(by, like) => {
                    level = like * level + (1.0f64 - like * like).sqrt() * dice.normal();
                    (by * level - by * by / 2.0).exp()
                }
            };
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
pub fn escalates(series: &Series, hours: usize) -> bool {
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
