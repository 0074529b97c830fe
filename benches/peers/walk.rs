//! The data of the metrics workload: bounded random walks, one for each series.

use std::ops::Range;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

pub const NAMESPACE: &str = "bench";
/// Names, and how many decimals their values have.
pub const METRICS: [(&str, i32); 10] = [
    ("usage_user", 0),
    ("usage_system", 0),
    ("usage_idle", 0),
    ("usage_nice", 0),
    ("usage_iowait", 0),
    ("usage_irq", 1),
    ("usage_softirq", 1),
    ("usage_steal", 1),
    ("usage_guest", 2),
    ("usage_guest_nice", 2),
];

/// Eight, as the agents of a fleet have them.
fn tags(host: usize) -> [(&'static str, String); 8] {
    let region = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"][host % 4];
    [
        ("host", format!("host_{host}")),
        ("region", region.to_owned()),
        (
            "datacenter",
            format!("{region}{}", ["a", "b", "c"][host % 3]),
        ),
        ("rack", (host % 100).to_string()),
        ("os", ["Ubuntu24.04", "Debian12"][host % 2].to_owned()),
        ("arch", ["x86", "arm64"][host / 2 % 2].to_owned()),
        ("team", ["SF", "NYC", "LON", "CHI"][host / 3 % 4].to_owned()),
        ("service", (host % 20).to_string()),
    ]
}

/// The tags of a host as dimensions.
pub fn dimensions(host: usize) -> Value {
    tags(host)
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect()
}

/// The same values for every engine: the walks start from one seed.
pub struct Walk {
    random: StdRng,
    values: Vec<[f64; METRICS.len()]>,
    /// Of each host, as JSON.
    dimensions: Vec<String>,
    /// Of each host, as the head of a line of the Influx protocol.
    heads: Vec<String>,
}

impl Walk {
    pub fn new(hosts: usize) -> Self {
        let mut random = StdRng::seed_from_u64(42);
        let values = (0..hosts)
            .map(|_| std::array::from_fn(|_| random.random_range(0.0..100.0)))
            .collect();
        let head = |host| {
            let tags = tags(host).map(|(name, value)| format!(",{name}={value}"));
            format!("cpu{}", tags.concat())
        };
        Self {
            random,
            values,
            dimensions: (0..hosts)
                .map(|host| dimensions(host).to_string())
                .collect(),
            heads: (0..hosts).map(head).collect(),
        }
    }

    /// The next value of a series.
    fn step(&mut self, host: usize, metric: usize) -> f64 {
        let value = &mut self.values[host][metric];
        *value = (*value + self.random.random_range(-1.7..1.7)).clamp(0.0, 100.0);
        let scale = 10_f64.powi(METRICS[metric].1);
        (*value * scale).round() / scale
    }

    /// The JSON of one call. Written by hand, since tens of gigabytes of it are made on the cores that
    /// the server works on.
    pub fn put_metric_data(&mut self, hosts: Range<usize>, time_s: i64, step_s: i64) -> Vec<u8> {
        let resolution = if step_s < 60 { 1 } else { 60 };
        let mut body = format!(r#"{{"Namespace":"{NAMESPACE}","MetricData":["#);
        for host in hosts {
            for (metric, (name, _)) in METRICS.iter().enumerate() {
                let value = self.step(host, metric);
                let dimensions = &self.dimensions[host];
                body.push_str(&format!(
                    r#"{{"MetricName":"{name}","Timestamp":{time_s},"Value":{value},"Unit":"Percent","StorageResolution":{resolution},"Dimensions":{dimensions}}},"#
                ));
            }
        }
        body.pop();
        body.push_str("]}");
        body.into_bytes()
    }

    /// The same in the Influx protocol, a line a host, times in milliseconds.
    pub fn influx(&mut self, hosts: Range<usize>, time_s: i64) -> Vec<u8> {
        let mut body = String::new();
        for host in hosts {
            body.push_str(&self.heads[host]);
            for (metric, (name, _)) in METRICS.iter().enumerate() {
                let separator = if metric == 0 { ' ' } else { ',' };
                let value = self.step(host, metric);
                body.push_str(&format!("{separator}{name}={value}"));
            }
            body.push_str(&format!(" {}\n", time_s * 1_000));
        }
        body.into_bytes()
    }
}
