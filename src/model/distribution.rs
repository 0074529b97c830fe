//! What one stored datapoint is: a statistic set. Sets of one timestamp add.
#[derive(Clone, Debug, PartialEq)]
pub struct StatisticSet {
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}
