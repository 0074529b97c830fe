//! Deliveries by mail (spec notifications.md 3.2).

use std::time::{Duration, SystemTime};

use belfry_model::TimestampMs;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mail, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::attempt::Attempt;

/// Of one SMTP command, connecting included (spec notifications.md 3.2).
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Ours: of a whole session, well inside of the outbox's claim.
const SESSION_TIMEOUT: Duration = Duration::from_secs(60);

/// The last second of the year 9999: later ones make the mail library panic.
const DATE_S_MAX: u64 = 253_402_300_799;

/// How the relay wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// In clear text, for relays on loopback.
    None,
    /// The session must be upgraded before anything is said.
    StartTls,
    /// TLS from the first byte.
    Implicit,
}

/// The operator's mail relay.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub username: Option<String>,
    pub password: Option<String>,
    /// The sender's address.
    pub from: String,
}

impl std::fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("username", &self.username)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// A mail's content, before it becomes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The sender's name; empty for the product's.
    pub sender_name: String,
    pub to: String,
    pub subject: String,
    pub body: String,
    /// Left of the `@` in `Message-ID`.
    pub id: String,
    /// What threads mails of one origin: hashed into `References`.
    pub thread: Option<String>,
    pub topic_arn: String,
    /// None on confirmation requests: there is nothing to leave yet.
    pub unsubscribe_url: Option<String>,
    pub date: TimestampMs,
}

/// The name in `From` when the topic has none.
const PRODUCT: &str = "Belfry";

/// Hands mails to the relay.
pub struct MailTransport {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    /// Right of the `@` in `Message-ID`.
    host: String,
}

impl MailTransport {
    /// # Errors
    /// Sender addresses that are none; host names that TLS cannot check.
    pub fn new(config: &SmtpConfig, public_host: &str) -> Result<Self, String> {
        let from: Address = config
            .from
            .parse()
            .map_err(|error| format!("smtp.from {}: {error}", config.from))?;
        let tls_parameters = || {
            TlsParameters::new(config.host.clone())
                .map_err(|error| format!("smtp.host {}: {error}", config.host))
        };
        let tls = match config.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::StartTls => Tls::Required(tls_parameters()?),
            SmtpTls::Implicit => Tls::Wrapper(tls_parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .hello_name(ClientId::Domain(public_host.to_owned()))
            .timeout(Some(COMMAND_TIMEOUT));
        if let (Some(user), Some(password)) = (&config.username, &config.password) {
            builder = builder
                .credentials(Credentials::new(user.clone(), password.clone()))
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        Ok(Self {
            smtp: builder.build(),
            from,
            host: public_host.to_owned(),
        })
    }

    /// One attempt: 4xx replies and broken sessions may pass, 5xx replies are final.
    pub async fn send(&self, letter: &Letter) -> Attempt {
        let mail = match self.compose(letter) {
            Ok(mail) => mail,
            Err(error) => return Attempt::permanent(None, error),
        };
        match tokio::time::timeout(SESSION_TIMEOUT, self.smtp.send(mail)).await {
            Ok(Ok(reply)) => {
                let detail: Vec<&str> = reply.message().collect();
                Attempt::delivered(u16::from(reply.code()), detail.join(" "))
            }
            Ok(Err(error)) => {
                let code = error.status().map(u16::from);
                if error.is_permanent() {
                    Attempt::permanent(code, error.to_string())
                } else {
                    Attempt::retry(code, error.to_string())
                }
            }
            Err(_) => Attempt::retry(None, "timed out"),
        }
    }

    fn compose(&self, letter: &Letter) -> Result<Mail, String> {
        let to: Address = letter
            .to
            .parse()
            .map_err(|error| format!("address: {error}"))?;
        let sender = match one_line(&letter.sender_name) {
            name if name.is_empty() => PRODUCT.to_owned(),
            name => name,
        };
        let sent = Duration::from_secs(
            u64::try_from(letter.date.as_secs())
                .unwrap_or_default()
                .min(DATE_S_MAX),
        );
        let mut mail = Mail::builder()
            .from(Mailbox::new(Some(sender), self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(one_line(&letter.subject))
            .date(SystemTime::UNIX_EPOCH + sent)
            .message_id(Some(format!("<{}@{}>", letter.id, self.host)))
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
            .raw_header(header("X-Belfry-Topic", letter.topic_arn.clone()));
        if let Some(thread) = &letter.thread {
            let id = format!("<{}@{}>", thread_id(thread), self.host);
            mail = mail.in_reply_to(id.clone()).references(id);
        }
        if let Some(url) = &letter.unsubscribe_url {
            mail = mail
                .raw_header(header("List-Unsubscribe", format!("<{url}>")))
                .raw_header(header(
                    "List-Unsubscribe-Post",
                    "List-Unsubscribe=One-Click".to_owned(),
                ));
        }
        let body = SinglePart::builder()
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.clone());
        mail.singlepart(body).map_err(|error| error.to_string())
    }
}

/// The mail library panics on control characters in names and would fold them in others.
fn one_line(text: &str) -> String {
    let blanked: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    blanked.trim().to_owned()
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Mails of one alarm refer to one mail that nobody ever sent.
fn thread_id(origin: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = hex::encode(Sha256::digest(origin.as_bytes()));
    format!("alarm-{}", digest.chars().take(32).collect::<String>())
}

/// The body of a notification: the text, then how to leave (spec notifications.md 3.2).
pub fn notification_body(text: &str, topic_arn: &str, unsubscribe_url: &str) -> String {
    format!(
        "{text}\n\n--\nYou receive this mail because this address is subscribed to the topic\n{topic_arn}\nTo stop these mails, open\n{unsubscribe_url}\n"
    )
}

/// The body of a request to confirm.
pub fn confirmation_body(topic_arn: &str, requested_by: Option<&str>, url: &str) -> String {
    let who = requested_by.map_or_else(String::new, |who| format!("It was requested by {who}.\n"));
    format!(
        "This address is to receive the messages of the topic\n{topic_arn}\n{who}\nTo agree, open this page within 3 days and press its button:\n{url}\n\nIf you did not expect this, there is nothing to do: without your consent no message is sent.\n"
    )
}

/// The farewell after an unsubscribe that nobody signed for.
pub fn farewell_body(topic_arn: &str, url: &str) -> String {
    format!(
        "This address no longer receives the messages of the topic\n{topic_arn}\n\nIf that was a mistake, open this page within 3 days and press its button:\n{url}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport() -> MailTransport {
        let config = SmtpConfig {
            host: "127.0.0.1".to_owned(),
            port: 25,
            tls: SmtpTls::None,
            username: None,
            password: None,
            from: "belfry@example.net".to_owned(),
        };
        MailTransport::new(&config, "belfry.example.net").expect("plain relay")
    }

    fn letter() -> Letter {
        Letter {
            sender_name: "Öps\r\nBcc: evil@example.net".to_owned(),
            to: "you@example.net".to_owned(),
            subject: "ALARM: \"disk\"".to_owned(),
            body: "full".to_owned(),
            id: "6f0c7a52".to_owned(),
            thread: Some("arn:aws:cloudwatch:r:a:alarm:disk".to_owned()),
            topic_arn: "arn:aws:sns:r:a:ops".to_owned(),
            unsubscribe_url: Some("http://b/unsubscribe.html?x=y".to_owned()),
            date: TimestampMs(0),
        }
    }

    #[test]
    fn mails_carry_their_headers_and_nothing_smuggled() {
        let mail = transport().compose(&letter()).expect("a mail").formatted();
        let text = String::from_utf8(mail).expect("ASCII");
        let head = text.split("\r\n\r\n").next().expect("headers");
        for line in [
            "To: you@example.net",
            "Subject: ALARM: \"disk\"",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000",
            "Message-ID: <6f0c7a52@belfry.example.net>",
            "List-Unsubscribe: <http://b/unsubscribe.html?x=y>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Auto-Submitted: auto-generated",
            "X-Belfry-Topic: arn:aws:sns:r:a:ops",
        ] {
            assert!(head.lines().any(|l| l == line), "{line}\n{head}");
        }
        assert!(head.contains("References: <alarm-") && head.contains("In-Reply-To: <alarm-"));
        assert!(!head.lines().any(|l| l.starts_with("Bcc")), "{head}");
    }

    /// The library writes names out with `expect`.
    #[test]
    fn any_name_makes_a_mail() {
        for c in (0..=0x3000).filter_map(char::from_u32) {
            let letter = Letter {
                sender_name: format!("{c}a{c}\"{c}"),
                subject: format!("{c}a{c}"),
                ..letter()
            };
            assert!(transport().compose(&letter).is_ok(), "{c:?}");
        }
    }

    #[test]
    fn any_date_makes_a_mail() {
        for date in [TimestampMs::MIN, TimestampMs(-1), TimestampMs::MAX] {
            let letter = Letter { date, ..letter() };
            assert!(transport().compose(&letter).is_ok(), "{}", date.0);
        }
    }

    #[test]
    fn passwords_stay_out_of_logs() {
        let config = SmtpConfig {
            host: "h".to_owned(),
            port: 25,
            tls: SmtpTls::None,
            username: Some("u".to_owned()),
            password: Some("hunter2".to_owned()),
            from: "f@h".to_owned(),
        };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
