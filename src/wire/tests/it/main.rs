//! Tests of the wire package from outside, over recorded and over broken requests.

#[cfg(test)]
mod inputs;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod signatures;
