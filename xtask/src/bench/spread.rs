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

    /// `1.50 (1.42–1.71)`, after each number went through `show`.
    pub fn shown(&self, show: impl Fn(f64) -> String) -> String {
        let [median, least, most] = [self.median(), self.least(), self.most()].map(show);
        if least == most {
            median
        } else {
            format!("{median} ({least}–{most})")
        }
    }
}

/// With so many digits after the point; a dash without measurements.
pub fn shown(spread: Option<Spread>, digits: usize) -> String {
    let show = |value| format!("{value:.digits$}");
    spread.map_or_else(|| "–".to_owned(), |spread| spread.shown(show))
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

    fn check(values: &[f64], expect: f64) {
        let spread = Spread::of(values.iter().copied()).expect("there are values");
        assert_eq!(spread.median(), expect);
    }
}
