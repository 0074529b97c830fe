//! The small pages behind the links of mails (spec notifications.md 2.4).
//!
//! Gateways open links to look for malware, so that opening one must do nothing: GET shows a
//! page with a button, POST acts. The server routes `/confirmation.html` and
//! `/unsubscribe.html` here, and `/` when a browser asks.

use belfry_model::time::DAY_MS;
use form_urlencoded::Serializer;

use crate::token::TOKEN_VALID_MS;

/// Where mails point to, below the public URL.
pub const CONFIRMATION_PATH: &str = "/confirmation.html";
pub const UNSUBSCRIBE_PATH: &str = "/unsubscribe.html";

/// The link of a request to confirm.
pub fn confirmation_url(base_url: &str, topic_arn: &str, token: &str) -> String {
    let query = query(&[("TopicArn", topic_arn), ("Token", token)]);
    format!("{base_url}{CONFIRMATION_PATH}?{query}")
}

/// The signed link of a mail; also its `List-Unsubscribe`.
pub fn unsubscribe_url(
    base_url: &str,
    subscription_arn: &str,
    endpoint: &str,
    signature: &str,
) -> String {
    let query = query(&[
        ("SubscriptionArn", subscription_arn),
        ("Endpoint", endpoint),
        ("Signature", signature),
    ]);
    format!("{base_url}{UNSUBSCRIBE_PATH}?{query}")
}

fn query(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Asks whether to confirm. `action` is the path and query that POST goes to.
pub fn ask_to_confirm(action: &str, topic_arn: &str) -> String {
    page(
        "Confirm subscription",
        &format!(
            "<p>Messages of this topic are to be delivered to you:</p><p><code>{}</code></p>{}",
            escape(topic_arn),
            button(action, "Confirm subscription")
        ),
    )
}

/// Says that it is done. `unsubscribe_link` undoes it.
pub fn confirmed(subscription_arn: &str, unsubscribe_link: &str) -> String {
    page(
        "Subscription confirmed",
        &format!(
            "<p>The subscription is active:</p><p><code>{}</code></p><p><a href=\"{}\">Unsubscribe</a></p>",
            escape(subscription_arn),
            escape(unsubscribe_link)
        ),
    )
}

/// Asks whether to unsubscribe. `action` is the path and query that POST goes to.
pub fn ask_to_unsubscribe(action: &str, subscription_arn: &str) -> String {
    page(
        "Unsubscribe",
        &format!(
            "<p>Stop the messages of this subscription?</p><p><code>{}</code></p>{}",
            escape(subscription_arn),
            button(action, "Unsubscribe")
        ),
    )
}

/// Says that it is done.
pub fn unsubscribed(subscription_arn: &str) -> String {
    page(
        "Unsubscribed",
        &format!(
            "<p>The subscription was removed:</p><p><code>{}</code></p>",
            escape(subscription_arn)
        ),
    )
}

/// Says why it was not done.
pub fn failed(message: &str) -> String {
    page("This did not work", &format!("<p>{}</p>", escape(message)))
}

/// Says why a subscription was not confirmed, and how to get a link that does.
pub fn not_confirmed(message: &str) -> String {
    page(
        "This did not work",
        &format!(
            "<p>{}</p><p>A link confirms for {} days, if it is copied whole and no newer one was sent. \
             To get a new one, have the address subscribed to the topic again (<code>Subscribe</code>).</p>",
            escape(message),
            TOKEN_VALID_MS / DAY_MS
        ),
    )
}

fn button(action: &str, label: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\"><button type=\"submit\">{}</button></form>",
        escape(action),
        escape(label)
    )
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}\
         code{{overflow-wrap:anywhere}}button{{font:inherit;padding:.5rem 1rem}}</style></head>\
         <body><h1>{title}</h1>{body}</body></html>\n"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_query_becomes_markup() {
        let evil = "\"><script>alert('x')</script>&";
        for page in [
            ask_to_confirm(evil, evil),
            confirmed(evil, evil),
            ask_to_unsubscribe(evil, evil),
            unsubscribed(evil),
            failed(evil),
            not_confirmed(evil),
        ] {
            assert!(!page.contains("<script"), "{page}");
            assert!(page.contains("&lt;script&gt;"), "{page}");
        }
    }

    #[test]
    fn links_escape_what_they_carry() {
        assert_eq!(
            unsubscribe_url(
                "http://b",
                "arn:aws:sns:r:a:t:s",
                "a+b&c@example.net",
                "00ff"
            ),
            "http://b/unsubscribe.html?SubscriptionArn=arn%3Aaws%3Asns%3Ar%3Aa%3At%3As&Endpoint=a%2Bb%26c%40example.net&Signature=00ff"
        );
    }

    #[test]
    fn asking_pages_post() {
        assert!(ask_to_confirm("/x?y=z", "t").contains("<form method=\"post\" action=\"/x?y=z\">"));
    }
}
