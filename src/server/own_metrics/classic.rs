//! The text format that every Prometheus reads, made of OpenMetrics text.

/// What `Content-Type` says of it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The same in the classic format, version 0.0.4, which describes a counter under the full name
/// of its samples, with `_total`, and has no end mark.
pub fn classic(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            // Its name depends on the type, which follows.
            help = described.split_once(' ');
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|typed| typed.split_once(' '))
        {
            let total = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = help.take() {
                text.push_str(&format!("# HELP {name}{total} {help}\n"));
            }
            text.push_str(&format!("# TYPE {name}{total} {kind}\n"));
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_described_by_the_names_of_their_samples() {
        let open_metrics = "# HELP a_bytes Bytes of a.\n# TYPE a_bytes counter\n\
            # UNIT a_bytes bytes\na_bytes_total{x=\"# HELP\"} 1\n\
            # HELP b B.\n# TYPE b gauge\nb 2\n# EOF\n";
        let expected = "# HELP a_bytes_total Bytes of a.\n# TYPE a_bytes_total counter\n\
            a_bytes_total{x=\"# HELP\"} 1\n# HELP b B.\n# TYPE b gauge\nb 2\n";
        assert_eq!(classic(open_metrics), expected);
    }
}
