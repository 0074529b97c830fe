//! What each protocol takes as its endpoint (spec notifications.md 2.1).

use belfry_model::arn::Arn;
use url::Url;

/// Where a subscription delivers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    Https,
    Email,
    EmailJson,
    Sqs,
    Lambda,
    Sms,
    Application,
    Firehose,
}

const ENDPOINT_CHARS_MAX: usize = 2_048;

impl Protocol {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "http" => Self::Http,
            "https" => Self::Https,
            "email" => Self::Email,
            "email-json" => Self::EmailJson,
            "sqs" => Self::Sqs,
            "lambda" => Self::Lambda,
            "sms" => Self::Sms,
            "application" => Self::Application,
            "firehose" => Self::Firehose,
            _ => return None,
        })
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Sms => "sms",
            Self::Application => "application",
            Self::Firehose => "firehose",
        }
    }

    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    pub const fn is_email(self) -> bool {
        matches!(self, Self::Email | Self::EmailJson)
    }

    /// Whether the endpoint must answer before it gets notifications.
    pub const fn needs_confirmation(self) -> bool {
        self.is_http() || self.is_email()
    }

    pub const fn supports_raw_delivery(self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Sqs | Self::Firehose)
    }

    /// May get messages of more than 256 KiB (spec notifications.md 5.5).
    pub const fn takes_large_messages(self) -> bool {
        matches!(self, Self::Sqs | Self::Lambda | Self::Firehose)
    }

    /// # Errors
    /// The text after `Invalid parameter: `.
    pub fn check_endpoint(self, endpoint: &str) -> Result<(), String> {
        if endpoint.is_empty() || endpoint.len() > ENDPOINT_CHARS_MAX {
            return Err("Endpoint".to_owned());
        }
        match self {
            Self::Http | Self::Https => self.check_url(endpoint),
            Self::Email | Self::EmailJson => check_address(endpoint),
            Self::Sqs => {
                check_arn(endpoint, "sqs").map_err(|()| "SQS endpoint ARN".to_owned())?;
                if endpoint.ends_with(".fifo") {
                    return Err("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics".to_owned());
                }
                Ok(())
            }
            Self::Lambda => {
                check_arn(endpoint, "lambda").map_err(|()| "Lambda endpoint ARN".to_owned())
            }
            Self::Firehose => {
                check_arn(endpoint, "firehose").map_err(|()| "Firehose endpoint ARN".to_owned())
            }
            Self::Application => {
                check_arn(endpoint, "sns").map_err(|()| "Application endpoint ARN".to_owned())
            }
            Self::Sms if is_phone_number(endpoint) => Ok(()),
            Self::Sms => Err(format!("Invalid SMS endpoint: {endpoint}")),
        }
    }

    fn check_url(self, endpoint: &str) -> Result<(), String> {
        let scheme = endpoint.split("://").next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(self.as_str()) {
            return Err("Endpoint must match the specified protocol".to_owned());
        }
        match Url::parse(endpoint) {
            Ok(url) if url.has_host() => Ok(()),
            _ => Err("Endpoint".to_owned()),
        }
    }
}

/// The mail library reads addresses as RFC 5321 does.
fn check_address(endpoint: &str) -> Result<(), String> {
    match endpoint.parse::<lettre::Address>() {
        Ok(_) => Ok(()),
        Err(_) => Err("Email address".to_owned()),
    }
}

fn check_arn(text: &str, service: &str) -> Result<(), ()> {
    match Arn::parse(text) {
        Ok(arn) if arn.service == service && !arn.resource.is_empty() => Ok(()),
        _ => Err(()),
    }
}

/// Digits with an optional `+`; single separators inside (the rule of spec
/// notifications.md 2.1).
pub(super) fn is_phone_number(text: &str) -> bool {
    let stripped: String = text.chars().filter(|c| *c != ' ').collect();
    let digits = stripped.strip_prefix('+').unwrap_or(&stripped);
    let mut groups = digits.split(['-', '.', '/']);
    let count: usize = digits.chars().filter(char::is_ascii_digit).count();
    count >= 2 && groups.all(|g| !g.is_empty() && g.chars().all(|c| c.is_ascii_digit()))
}

/// The endpoint as every answer shows it: without the password of its userinfo.
pub fn masked(endpoint: &str) -> String {
    match Url::parse(endpoint) {
        Ok(mut url) if url.password().is_some() => {
            // `*` needs no escaping in userinfo; the URL has a host, so this cannot fail.
            match url.set_password(Some("****")) {
                Ok(()) => url.into(),
                Err(()) => "****".to_owned(),
            }
        }
        _ => endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_fit_their_protocol() {
        for (protocol, endpoint) in [
            ("http", "http://127.0.0.1:8080/a?b=c#belfry=slack"),
            ("https", "https://user:p%40ss@example.net/hook"),
            ("email", "ops@example.net"),
            ("email-json", "o.p+s@example.net"),
            ("sqs", "arn:aws:sqs:eu-west-1:111122223333:q"),
            ("sms", "+1 555-0100"),
            ("lambda", "arn:aws:lambda:eu-west-1:111122223333:function:f"),
        ] {
            let protocol = Protocol::parse(protocol).expect("known");
            assert_eq!(protocol.check_endpoint(endpoint), Ok(()), "{endpoint}");
        }
        for (protocol, endpoint, text) in [
            (
                "http",
                "https://a/",
                "Endpoint must match the specified protocol",
            ),
            (
                "https",
                "http://a/",
                "Endpoint must match the specified protocol",
            ),
            (
                "https",
                "example.net",
                "Endpoint must match the specified protocol",
            ),
            ("http", "http://", "Endpoint"),
            ("http", "", "Endpoint"),
            ("email", "nobody", "Email address"),
            ("sqs", "https://sqs.example.net/q", "SQS endpoint ARN"),
            (
                "sqs",
                "arn:aws:sqs:eu-west-1:111122223333:q.fifo",
                "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
            ),
            ("sms", "+1--555", "Invalid SMS endpoint: +1--555"),
            ("sms", "-1555", "Invalid SMS endpoint: -1555"),
        ] {
            let protocol = Protocol::parse(protocol).expect("known");
            assert_eq!(protocol.check_endpoint(endpoint), Err(text.to_owned()));
        }
    }

    #[test]
    fn passwords_never_show() {
        assert_eq!(
            masked("https://user:p%40ss@example.net/hook?a=b"),
            "https://user:****@example.net/hook?a=b"
        );
        assert_eq!(
            masked("https://example.net/hook"),
            "https://example.net/hook"
        );
        assert_eq!(masked("ops@example.net"), "ops@example.net");
    }
}
