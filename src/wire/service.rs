//! The services on our one port, and the names each goes by on the wire.

use crate::Protocol;

/// A service of the AWS family that clients may address here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    Monitoring,
    Logs,
    Sns,
    Sts,
    Xray,
    Tagging,
    Sqs,
    CloudFormation,
}

impl Service {
    pub const ALL: [Self; 8] = [
        Self::Monitoring,
        Self::Logs,
        Self::Sns,
        Self::Sts,
        Self::Xray,
        Self::Tagging,
        Self::Sqs,
        Self::CloudFormation,
    ];

    /// The name in a SigV4 credential scope (spec wire-protocols.md 2).
    pub const fn scope_name(self) -> &'static str {
        match self {
            Self::Monitoring => "monitoring",
            Self::Logs => "logs",
            Self::Sns => "sns",
            Self::Sts => "sts",
            Self::Xray => "xray",
            Self::Tagging => "tagging",
            Self::Sqs => "sqs",
            Self::CloudFormation => "cloudformation",
        }
    }

    pub fn from_scope_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.scope_name() == name)
    }

    /// The part of `X-Amz-Target` before the dot, and of an rpc-v2-cbor path.
    pub const fn target_prefix(self) -> Option<&'static str> {
        match self {
            Self::Monitoring => Some("GraniteServiceVersion20100801"),
            Self::Logs => Some("Logs_20140328"),
            Self::Tagging => Some("ResourceGroupsTaggingAPI_20170126"),
            Self::Sqs => Some("AmazonSQS"),
            Self::Sns | Self::Sts | Self::Xray | Self::CloudFormation => None,
        }
    }

    pub fn from_target_prefix(prefix: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|s| s.target_prefix() == Some(prefix))
    }

    /// The `Version` parameter of the Query protocol.
    pub const fn query_version(self) -> Option<&'static str> {
        match self {
            Self::Monitoring => Some("2010-08-01"),
            Self::Sns => Some("2010-03-31"),
            Self::Sts => Some("2011-06-15"),
            Self::CloudFormation => Some("2010-05-15"),
            Self::Sqs => Some("2012-11-05"),
            Self::Logs | Self::Xray | Self::Tagging => None,
        }
    }

    pub fn from_query_version(version: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|s| s.query_version() == Some(version))
    }

    /// The namespace of the service's XML answers.
    pub const fn xml_namespace(self) -> &'static str {
        match self {
            Self::Monitoring => "http://monitoring.amazonaws.com/doc/2010-08-01/",
            Self::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::CloudFormation => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
            Self::Sqs => "http://queue.amazonaws.com/doc/2012-11-05/",
            Self::Logs | Self::Xray | Self::Tagging => "",
        }
    }

    /// What a caller of this service most likely speaks, when nothing else tells.
    pub const fn default_protocol(self) -> Protocol {
        match self {
            Self::Monitoring | Self::Sqs => Protocol::Json10,
            Self::Logs | Self::Tagging => Protocol::Json11,
            Self::Sns | Self::Sts | Self::CloudFormation => Protocol::Query,
            Self::Xray => Protocol::RestJson,
        }
    }
}
