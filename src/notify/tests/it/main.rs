//! Topics and deliveries from outside: real sockets on loopback, time by hand.

#[cfg(test)]
mod alarms;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod mails;
#[cfg(test)]
mod node;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod topics;
