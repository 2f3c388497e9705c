//! The middle of some measurements, and how far apart they are.

/// Measurements of the same thing.
#[derive(Clone, Debug)]
pub struct Spread {
    sorted: Vec<f64>,
}

impl Spread {
    /// `None` without measurements.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<_> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then_some(Self { sorted })
    }

    pub fn median(&self) -> f64 {
        let (below, above) = ((self.sorted.len() - 1) / 2, self.sorted.len() / 2);
        (self.sorted[below] + self.sorted[above]) / 2.0
    }

    pub fn least(&self) -> f64 {
        self.sorted[0]
    }

    pub fn most(&self) -> f64 {
        self.sorted[self.sorted.len() - 1]
    }

    /// Where the median of ever more of these measurements lies with a probability of 95 % at least, from
    /// how many of them were below and above it (Hahn and Meeker, Statistical Intervals, section 5.2). Of up
    /// to five, between the least and the most.
    pub fn of_median(&self) -> [f64; 2] {
        let all = self.sorted.len();
        let mut share = 0.5_f64.powi(all as i32);
        let mut together = 0.0;
        let mut least = 0;
        for below in 0..all {
            together += share;
            if together > 0.025 {
                break;
            }
            least = below;
            share *= (all - below) as f64 / (below + 1) as f64;
        }
        [self.sorted[least], self.sorted[all - 1 - least]]
    }

    /// `1.50 (1.42–1.71)`, after each number went through `show`: from the least to the most.
    pub fn shown(&self, show: impl Fn(f64) -> String) -> String {
        self.shown_within(self.extremes(), show)
    }

    fn extremes(&self) -> [f64; 2] {
        [self.least(), self.most()]
    }

    fn shown_within(&self, limits: [f64; 2], show: impl Fn(f64) -> String) -> String {
        let median = show(self.median());
        let [lower, upper] = limits.map(show);
        if lower == upper {
            median
        } else {
            format!("{median} ({lower}–{upper})")
        }
    }
}

/// With so many digits after the point; a dash without measurements.
pub fn shown(spread: Option<Spread>, digits: usize) -> String {
    shown_within(spread, Spread::extremes, digits)
}

/// The same, with other limits in brackets.
pub fn shown_within(
    spread: Option<Spread>,
    limits: fn(&Spread) -> [f64; 2],
    digits: usize,
) -> String {
    let show = |value| format!("{value:.digits$}");
    spread.map_or_else(
        || "–".to_owned(),
        |spread| spread.shown_within(limits(&spread), show),
    )
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_middle() {
        check(&[3.0], 3.0);
        check(&[9.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 100.0], 3.0);
        assert!(Spread::of([]).is_none());
    }

    #[test]
    fn the_middle_of_many() {
        // The table of the binomial distribution: 0.0137 of 60 have 21 or fewer below, 0.0259 have 22.
        let of = |number: u32| Spread::of((1..=number).map(f64::from)).expect("there are some");
        assert_eq!(of(60).of_median(), [22.0, 39.0]);
        assert_eq!(of(9).of_median(), [2.0, 8.0]);
        assert_eq!(of(7).of_median(), [1.0, 7.0]);
        assert_eq!(of(3).of_median(), [1.0, 3.0]);
        assert_eq!(of(1).of_median(), [1.0, 1.0]);
    }

    fn check(values: &[f64], expect: f64) {
        let spread = Spread::of(values.iter().copied()).expect("there are values");
        assert_eq!(spread.median(), expect);
    }
}
