//! Deliveries over http and https (spec notifications.md 3.1, 8).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use belfry_model::TimestampMs;
use chrono::DateTime;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE,
};
use reqwest::{StatusCode, redirect};
use url::{Host, Url};

use crate::address::DenyList;
use crate::attempt::{Attempt, Verdict};

/// Of one attempt, connecting included.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Ours: shorter than the five seconds after which common servers close idle connections, so
/// that a request rarely meets one that is just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Receivers match on it.
const AGENT: &str = "Amazon Simple Notification Service Agent";
/// Ours: what is kept of an answer, for the record.
const ANSWER_BYTES_MAX: usize = 1_024;
/// A receiver may put us off for an hour at most.
const RETRY_AFTER_S_MAX: i64 = 3_600;

/// What goes out in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The endpoint as subscribed, userinfo and fragment included.
    pub endpoint: String,
    pub message_type: &'static str,
    pub message_id: String,
    pub topic_arn: String,
    /// None on subscription confirmations.
    pub subscription_arn: Option<String>,
    pub raw: bool,
    pub content_type: String,
    pub body: String,
}

/// Sends requests and judges the answers.
pub struct HttpTransport {
    client: reqwest::Client,
    deny: DenyList,
}

impl HttpTransport {
    /// Loads the system's root certificates: call it off the start-up path.
    ///
    /// # Errors
    /// When no TLS client can be set up.
    pub fn new(deny: DenyList) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .pool_idle_timeout(IDLE_TIMEOUT)
            .dns_resolver(Arc::new(GuardedResolver { deny: deny.clone() }))
            .build()?;
        Ok(Self { client, deny })
    }

    /// One attempt. `now` is what dates in answers are held against.
    pub async fn send(&self, request: &HttpRequest, now: TimestampMs) -> Attempt {
        let Ok(mut url) = Url::parse(&request.endpoint) else {
            return Attempt::permanent(None, "the endpoint is no URL");
        };
        if let Some(denied) = self.denied_literal(&url) {
            return Attempt::permanent(None, denied);
        }
        let credentials = take_credentials(&mut url);
        // Over TLS nobody listens; in clear text the receiver has to ask first.
        let upfront = credentials.as_ref().filter(|_| url.scheme() == "https");
        let first = self.post(&url, request, upfront).await;
        let answer = match (first, &credentials) {
            (Ok(answer), Some(_)) if upfront.is_none() && asks_for_basic(&answer) => {
                self.post(&url, request, credentials.as_ref()).await
            }
            (first, _) => first,
        };
        match answer {
            Ok(answer) => judge(answer, now).await,
            Err(error) => explain(&error),
        }
    }

    async fn post(
        &self,
        url: &Url,
        request: &HttpRequest,
        credentials: Option<&Credentials>,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let mut post = self
            .client
            .post(url.clone())
            .header("x-amz-sns-message-type", request.message_type)
            .header("x-amz-sns-message-id", &request.message_id)
            .header("x-amz-sns-topic-arn", &request.topic_arn);
        if let Some(arn) = &request.subscription_arn {
            post = post.header("x-amz-sns-subscription-arn", arn);
        }
        if request.raw {
            post = post.header("x-amz-sns-rawdelivery", "true");
        }
        post = post
            .header(CONTENT_TYPE, &request.content_type)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT_ENCODING, "gzip,deflate")
            .header(CONNECTION, "Keep-Alive");
        if let Some(Credentials { user, password }) = credentials {
            post = post.basic_auth(user, password.as_deref());
        }
        post.body(request.body.clone()).send().await
    }

    /// Addresses written out in the URL never meet the resolver.
    fn denied_literal(&self, url: &Url) -> Option<String> {
        let address = match url.host()? {
            Host::Ipv4(v4) => v4.into(),
            Host::Ipv6(v6) => v6.into(),
            Host::Domain(_) => return None,
        };
        self.deny.denies(address).then(|| DeniedAddress.to_string())
    }
}

struct Credentials {
    user: String,
    password: Option<String>,
}

/// Userinfo out of the URL and unescaped.
fn take_credentials(url: &mut Url) -> Option<Credentials> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let unescape = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let credentials = Credentials {
        user: unescape(url.username()),
        password: url.password().map(unescape),
    };
    // Both can only fail for URLs without a host, which have no userinfo.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(credentials)
}

fn asks_for_basic(answer: &reqwest::Response) -> bool {
    let challenge = answer.headers().get(WWW_AUTHENTICATE);
    answer.status() == StatusCode::UNAUTHORIZED
        && challenge
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains("basic"))
}

/// 2xx is success; 429 and 5xx may pass; everything else is final (spec notifications.md 8).
async fn judge(answer: reqwest::Response, now: TimestampMs) -> Attempt {
    let status = answer.status();
    let not_before_ms = retry_after_ms(answer.headers(), now);
    let detail = beginning(answer).await;
    let code = Some(status.as_u16());
    if status.is_success() {
        return Attempt::delivered(status.as_u16(), detail);
    }
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        let asked = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        return Attempt {
            verdict: Verdict::Retry {
                not_before_ms: if asked { not_before_ms } else { 0 },
            },
            ..Attempt::retry(code, detail)
        };
    }
    Attempt::permanent(code, detail)
}

/// `Retry-After` as seconds or a date, in milliseconds from `now`; 0 without one.
fn retry_after_ms(headers: &HeaderMap, now: TimestampMs) -> i64 {
    let Some(text) = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()) else {
        return 0;
    };
    let seconds = match text.trim().parse::<i64>() {
        Ok(seconds) => seconds,
        Err(_) => DateTime::parse_from_rfc2822(text.trim())
            .map_or(0, |at| at.timestamp().saturating_sub(now.as_secs())),
    };
    seconds.clamp(0, RETRY_AFTER_S_MAX).saturating_mul(1_000)
}

/// The first bytes of the answer; the rest is left unread.
async fn beginning(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// No answer: worth another attempt, unless the address is out of bounds.
fn explain(error: &reqwest::Error) -> Attempt {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<DeniedAddress>() {
            return Attempt::permanent(None, DeniedAddress.to_string());
        }
        // The outermost text holds the URL, and with it secrets of the query string.
        if !error.is::<reqwest::Error>() {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
        }
        cause = error.source();
    }
    if error.is_timeout() {
        return Attempt::retry(None, "timed out");
    }
    if error.is_builder() {
        return Attempt::permanent(None, "the request cannot be built");
    }
    if text.is_empty() {
        text.push_str("connection failed");
    }
    Attempt::retry(None, text)
}

#[derive(Debug, thiserror::Error)]
#[error("the endpoint's address is not allowed")]
struct DeniedAddress;

/// Resolves names and drops forbidden addresses, so that what was checked is what is
/// connected to.
struct GuardedResolver {
    deny: DenyList,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let deny = self.deny.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (denied, allowed): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.partition(|address| deny.denies(address.ip()));
            if allowed.is_empty() && !denied.is_empty() {
                return Err(DeniedAddress.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = TimestampMs::parse_iso8601("2026-04-02T09:15:27Z").expect("valid");
        let after = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            retry_after_ms(&headers, now)
        };
        assert_eq!(after("90"), 90_000);
        assert_eq!(after("Thu, 02 Apr 2026 09:16:27 GMT"), 60_000);
        assert_eq!(after("Thu, 02 Apr 2026 09:00:00 GMT"), 0);
        assert_eq!(after("99999"), 3_600_000);
        assert_eq!(after("-5"), 0);
        assert_eq!(after("soon"), 0);
        assert_eq!(retry_after_ms(&HeaderMap::new(), now), 0);
    }

    #[test]
    fn userinfo_leaves_the_url() {
        let mut url = Url::parse("https://user:p%40ss@example.net/hook?a=b").expect("valid");
        let credentials = take_credentials(&mut url).expect("there are some");
        assert_eq!(credentials.user, "user");
        assert_eq!(credentials.password.as_deref(), Some("p@ss"));
        assert_eq!(url.as_str(), "https://example.net/hook?a=b");
        assert!(take_credentials(&mut url).is_none());
    }
}
