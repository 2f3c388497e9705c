//! The figures as metrics in the text format of Prometheus. What there is stands in [`families`], and
//! in docs/METRICS.md, which a test compares with it.

mod families;
#[cfg(test)]
mod page;

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, prometheus_text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use self::families::{FAMILIES, Family, Sample, Samples};
use super::figures::Figures;

/// The type of [`text`] in HTTP.
pub(super) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// All metrics.
pub(super) fn text(figures: Figures) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(All(figures)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct All(Figures);

impl Collector for All {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in FAMILIES {
            let (name, kind) = name_and_kind(family);
            let mut encoder = encoder.encode_descriptor(name, family.help, None, kind)?;
            let labels = family.labels;
            match family.samples {
                Samples::Counter(samples) => {
                    encode(&mut encoder, labels, samples(&self.0), ConstCounter::new)?;
                }
                Samples::Gauge(samples) => {
                    encode(&mut encoder, labels, samples(&self.0), ConstGauge::new)?;
                }
            }
        }
        Ok(())
    }
}

/// The encoder itself adds `_total` to the name of a counter.
fn name_and_kind(family: &Family) -> (&'static str, MetricType) {
    match family.samples {
        Samples::Counter(_) => {
            let name = family.name.strip_suffix("_total");
            (name.unwrap_or(family.name), MetricType::Counter)
        }
        Samples::Gauge(_) => (family.name, MetricType::Gauge),
    }
}

fn encode<N, M: EncodeMetric>(
    encoder: &mut MetricEncoder<'_>,
    labels: &[&str],
    samples: Vec<Sample<N>>,
    metric: impl Fn(N) -> M,
) -> fmt::Result {
    for (values, value) in samples {
        let labels: Vec<_> = labels.iter().copied().zip(values).collect();
        metric(value).encode(encoder.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::figures::of_a_day;

    #[test]
    fn figures_become_lines() {
        let text = text(of_a_day()).expect("it can be written");
        for line in [
            "# TYPE nat_acct_connections_ended_total counter",
            "nat_acct_connections_ended_total{reason=\"fin\"} 6",
            "nat_acct_build_info{version=\"1.2.3\"} 1.0",
            "nat_acct_interface_attached{interface=\"br0\",side=\"inside\"} 1.0",
            "nat_acct_start_time_seconds 50000.0",
            "nat_acct_output_lag_seconds 0.25",
            "nat_acct_ignored_packets_total{cause=\"not_tcp\"} 0",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
    }
}
