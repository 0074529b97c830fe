//! The links in notifications, as a person follows them (spec notifications.md 2.4).
//!
//! Opening a link shows a page with a button; pressing it acts. Mail gateways that open every
//! link therefore change nothing. Programs, which do not ask for HTML, get the XML answer of the
//! operation from the gateway.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use belfry_notify::topic::ConfirmRequest;
use belfry_notify::{Error, TopicService, pages};
use belfry_wire::errors::sns;
use belfry_wire::route::strip_base_path;

use crate::routes::wants_page;

/// What the pages act through.
pub struct NotificationPages {
    pub topics: Arc<TopicService>,
    /// Stands in front of every path, unless a proxy takes it away.
    pub base_path: String,
}

/// A link of a notification.
enum Link {
    Confirm {
        topic_arn: String,
        token: String,
    },
    /// From a web hook's message; such links are not signed.
    Unsubscribe {
        subscription_arn: String,
    },
    /// From a mail.
    UnsubscribeSigned {
        subscription_arn: String,
        endpoint: String,
        signature: String,
    },
}

/// Answers browsers that follow a link of ours; passes everything else on.
pub async fn intercept(
    State(pages): State<Arc<NotificationPages>>,
    request: Request,
    next: Next,
) -> Response {
    let path = strip_base_path(request.uri().path(), &pages.base_path);
    let is_mail_link = matches!(path, pages::CONFIRMATION_PATH | pages::UNSUBSCRIBE_PATH);
    let is_method = request.method() == Method::GET || request.method() == Method::POST;
    let link = (is_method && (is_mail_link || wants_page(request.headers())))
        .then(|| Link::parse(path, request.uri().query()))
        .flatten();
    match link {
        Some(link) if request.method() == Method::POST => pages.act(link).await,
        Some(link) => pages.ask(link, request.uri()),
        None => next.run(request).await,
    }
}

impl Link {
    /// `path` without the base path.
    fn parse(path: &str, query: Option<&str>) -> Option<Self> {
        let mut query: HashMap<String, String> = form_urlencoded::parse(query?.as_bytes())
            .into_owned()
            .collect();
        let mut take = |name: &str| query.remove(name);
        let action = match path {
            pages::CONFIRMATION_PATH => "ConfirmSubscription".to_owned(),
            pages::UNSUBSCRIBE_PATH => "Unsubscribe".to_owned(),
            _ => take("Action")?,
        };
        match action.as_str() {
            "ConfirmSubscription" => Some(Self::Confirm {
                topic_arn: take("TopicArn")?,
                token: take("Token")?,
            }),
            "Unsubscribe" => {
                let subscription_arn = take("SubscriptionArn")?;
                match (take("Endpoint"), take("Signature")) {
                    (Some(endpoint), Some(signature)) => Some(Self::UnsubscribeSigned {
                        subscription_arn,
                        endpoint,
                        signature,
                    }),
                    _ => Some(Self::Unsubscribe { subscription_arn }),
                }
            }
            _ => None,
        }
    }
}

impl NotificationPages {
    fn ask(&self, link: Link, uri: &Uri) -> Response {
        let action = uri
            .path_and_query()
            .map_or_else(|| uri.path(), |whole| whole.as_str());
        let page = match link {
            Link::Confirm { topic_arn, .. } => pages::ask_to_confirm(action, &topic_arn),
            Link::Unsubscribe { subscription_arn } => {
                pages::ask_to_unsubscribe(action, &subscription_arn)
            }
            Link::UnsubscribeSigned {
                subscription_arn,
                endpoint,
                signature,
            } => {
                let checked =
                    self.topics
                        .check_unsubscribe_link(&subscription_arn, &endpoint, &signature);
                match checked {
                    Ok(()) => pages::ask_to_unsubscribe(action, &subscription_arn),
                    Err(error) => return refused(&error, pages::failed),
                }
            }
        };
        Html(page).into_response()
    }

    async fn act(&self, link: Link) -> Response {
        let failure_page = match link {
            Link::Confirm { .. } => pages::not_confirmed,
            Link::Unsubscribe { .. } | Link::UnsubscribeSigned { .. } => pages::failed,
        };
        match self.page_after(link).await {
            Ok(page) => Html(page).into_response(),
            Err(error) => refused(&error, failure_page),
        }
    }

    async fn page_after(&self, link: Link) -> Result<String, Error> {
        match link {
            Link::Confirm { topic_arn, token } => {
                let request = ConfirmRequest {
                    topic_arn,
                    token,
                    authenticate_on_unsubscribe: false,
                };
                let arn = self.topics.confirm_subscription(None, request).await?;
                let undo = format!(
                    "{}/?Action=Unsubscribe&SubscriptionArn={arn}",
                    self.base_path.trim_end_matches('/')
                );
                Ok(pages::confirmed(&arn, &undo))
            }
            Link::Unsubscribe { subscription_arn } => {
                self.topics.unsubscribe(None, &subscription_arn).await?;
                Ok(pages::unsubscribed(&subscription_arn))
            }
            Link::UnsubscribeSigned {
                subscription_arn,
                endpoint,
                signature,
            } => {
                self.topics
                    .unsubscribe_by_link(&subscription_arn, &endpoint, &signature)
                    .await?;
                Ok(pages::unsubscribed(&subscription_arn))
            }
        }
    }
}

/// `failure_page` makes the page of a link that cannot be followed.
fn refused(error: &Error, failure_page: fn(&str) -> String) -> Response {
    let status = sns::status(error.code());
    if status.is_server_error() {
        tracing::error!(%error, "a notification's link failed");
        let text = "Something went wrong here. Please try again.";
        return (status, Html(pages::failed(text))).into_response();
    }
    (status, Html(failure_page(&error.to_string()))).into_response()
}
