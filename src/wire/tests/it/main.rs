//! Tests of the wire package from outside, over recorded and over broken requests.

#[cfg(test)]
mod requests;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod samples;
