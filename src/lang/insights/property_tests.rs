//! Properties: what a tree prints parses to the same tree; no input panics.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::error::Language;
use crate::grammar::parse_all;
use crate::span::Span;

use super::query_grammar::whole_query;
use super::*;

fn parse_grammar(text: &str) -> Result<Query, crate::SyntaxError> {
    parse_all(Language::Insights, text, usize::MAX, whole_query)
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z@_][a-zA-Z0-9_@]{0,5}",
        1 => "[a-z`@. \\-é0-9\"#|]{0,5}",
        1 => prop::sample::select(vec!["in", "by", "Not", "null", "limit", "source", "desc", "now"])
            .prop_map(str::to_owned),
    ]
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        3 => key().prop_map(Segment::Key),
        1 => "[0-9]{1,3}".prop_map(Segment::Key),
        1 => any::<u32>().prop_map(|index| Segment::Index(u64::from(index))),
    ]
}

fn path() -> impl Strategy<Value = FieldPath> {
    (key(), vec(segment(), 0..3)).prop_map(|(first, more)| {
        let mut segments = vec![Segment::Key(first)];
        segments.extend(more);
        let span = Span::default();
        FieldPath { segments, span }
    })
}

fn paths() -> impl Strategy<Value = Vec<FieldPath>> {
    vec(path(), 1..4)
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        4 => key().prop_map(Name::new),
        1 => "[a-z]{1,3}\\.[a-z0-9]{1,3}".prop_map(Name::new),
    ]
}

fn names() -> impl Strategy<Value = Vec<Name>> {
    vec(name(), 1..4)
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0_u32..1000).prop_map(f64::from),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(f64::abs),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::String),
        number().prop_map(Literal::Number),
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    use DurationUnit::*;
    let units = vec![
        Millisecond,
        Second,
        Minute,
        Hour,
        Day,
        Week,
        Month,
        Quarter,
        Year,
    ];
    (1..=u32::MAX, prop::sample::select(units)).prop_map(|(count, unit)| Duration { count, unit })
}

fn regex() -> impl Strategy<Value = RegexLiteral> {
    prop::sample::select(vec![
        r"(?i)a/b",
        r"\d+\.\\/",
        "[/]x|y",
        "",
        r"(?P<n>.*) \[",
        "#",
        "'\"`",
        "é\n",
    ])
    .prop_map(RegexLiteral::new)
}

fn at_nowhere(kind: ExprKind) -> Expr {
    Expr::new(kind, Span::default())
}

fn call(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = ExprKind> {
    // Functions with constant arguments have generators of their own below.
    let plain = FUNCTIONS.iter().map(|declared| declared.function);
    let plain: Vec<Function> = plain
        .filter(|function| {
            !matches!(
                function,
                Function::Pct
                    | Function::TopK
                    | Function::Histogram
                    | Function::RegexReplace
                    | Function::IsIpInSubnet
                    | Function::IsIpv4InSubnet
                    | Function::IsIpv6InSubnet
            )
        })
        .collect();
    let plain = (
        prop::sample::select(plain),
        vec(inner.clone(), 22),
        duration(),
        0_usize..3,
    )
        .prop_map(|(function, expressions, duration, more)| {
            let declared = function.declaration();
            let count = (declared.min_arguments + more).min(declared.max_arguments);
            let arguments = expressions.into_iter().take(count).enumerate();
            let arguments = arguments.map(|(at, expr)| match declared.duration_argument {
                Some(wanted) if wanted == at => Argument::Duration(duration),
                _ => Argument::Expr(expr),
            });
            ExprKind::Call(Call {
                function,
                star: false,
                arguments: arguments.collect(),
            })
        });
    let count = Call {
        function: Function::Count,
        star: true,
        arguments: Vec::new(),
    };
    let percentile = (inner, 0.0..=100.0).prop_map(|(expr, percentile)| {
        let percentile = at_nowhere(ExprKind::Literal(Literal::Number(percentile)));
        ExprKind::Call(Call {
            function: Function::Pct,
            star: false,
            arguments: vec![Argument::Expr(expr), Argument::Expr(percentile)],
        })
    });
    prop_oneof![
        6 => plain,
        1 => Just(ExprKind::Call(count)),
        1 => percentile,
    ]
}

fn expr() -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![
        literal().prop_map(ExprKind::Literal),
        path().prop_map(ExprKind::Field),
    ]
    .prop_map(at_nowhere);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let inner = inner.boxed();
        let boxed = || inner.clone().prop_map(Box::new);
        let list = || vec(inner.clone(), 0..3);
        let operators = vec![
            ArithmeticOperator::Add,
            ArithmeticOperator::Subtract,
            ArithmeticOperator::Multiply,
            ArithmeticOperator::Divide,
            ArithmeticOperator::Modulo,
            ArithmeticOperator::Power,
        ];
        let comparisons = vec![
            ComparisonOperator::Equal,
            ComparisonOperator::NotEqual,
            ComparisonOperator::Less,
            ComparisonOperator::LessOrEqual,
            ComparisonOperator::Greater,
            ComparisonOperator::GreaterOrEqual,
        ];
        let text_pattern = boxed().prop_map(MatchPattern::Text);
        // A list is read as a list, a constant text after =~ must compile.
        let not_list =
            boxed().prop_filter("no list", |value| !matches!(value.kind, ExprKind::List(_)));
        let regex_text =
            path().prop_map(|path| MatchPattern::Text(Box::new(at_nowhere(ExprKind::Field(path)))));
        let accessible =
            boxed().prop_filter("a value", |value| !matches!(value.kind, ExprKind::List(_)));
        prop_oneof![
            call(inner.clone()),
            (accessible, vec(segment(), 1..3))
                .prop_map(|(value, segments)| ExprKind::Access { value, segments }),
            list().prop_map(ExprKind::List),
            (prop::sample::select(vec![Sign::Plus, Sign::Minus]), boxed())
                .prop_map(|(sign, operand)| ExprKind::Sign { sign, operand }),
            (prop::sample::select(operators), boxed(), boxed()).prop_map(
                |(operator, left, right)| ExprKind::Arithmetic {
                    operator,
                    left,
                    right
                }
            ),
            (prop::sample::select(comparisons), boxed(), boxed()).prop_map(
                |(operator, left, right)| ExprKind::Comparison {
                    operator,
                    left,
                    right
                }
            ),
            (
                boxed(),
                prop_oneof![regex().prop_map(MatchPattern::Regex), text_pattern],
                any::<bool>()
            )
                .prop_map(|(value, pattern, negated)| ExprKind::Like {
                    value,
                    pattern,
                    negated
                }),
            (
                boxed(),
                prop_oneof![regex().prop_map(MatchPattern::Regex), regex_text]
            )
                .prop_map(|(value, pattern)| ExprKind::RegexMatch { value, pattern }),
            (
                boxed(),
                prop_oneof![
                    list().prop_map(InSet::List),
                    not_list.prop_map(InSet::Value),
                    Just(InSet::Subquery(Box::new(small_query()))),
                ],
                any::<bool>()
            )
                .prop_map(|(value, set, negated)| ExprKind::In {
                    value,
                    set,
                    negated
                }),
            boxed().prop_map(ExprKind::Not),
            vec(inner.clone(), 2..4).prop_map(ExprKind::And),
            vec(inner.clone(), 2..4).prop_map(ExprKind::Or),
        ]
        .prop_map(at_nowhere)
    })
    .boxed()
}

fn small_query() -> Query {
    parse_grammar("SOURCE 'g' | filter limit > 5 | fields x").unwrap()
}

fn item() -> impl Strategy<Value = Item> {
    (expr(), of(name())).prop_map(|(expr, alias)| {
        let name = match (alias, &expr.kind) {
            (Some(alias), _) => ItemName::Alias(alias),
            (None, ExprKind::Field(path)) => ItemName::Source(path.name()),
            (None, _) => ItemName::Source(expr.to_string()),
        };
        Item { expr, name }
    })
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    vec(item(), 1..4)
}

fn glob() -> impl Strategy<Value = (Glob, usize)> {
    (vec((any::<String>(), 1_usize..3), 1..4), any::<String>()).prop_map(|(pieces, last)| {
        let mut parts = Vec::new();
        let mut wildcards = 0;
        for (literal, stars) in pieces {
            if !literal.is_empty() {
                parts.push(GlobPart::Literal(literal));
            }
            wildcards += stars;
            parts.extend(std::iter::repeat_n(GlobPart::Wildcard, stars));
        }
        if !last.is_empty() {
            parts.push(GlobPart::Literal(last));
        }
        let span = Span::default();
        (Glob { parts, span }, wildcards)
    })
}

fn parse_command() -> impl Strategy<Value = Command> {
    let source = of(path().prop_map(|path| at_nowhere(ExprKind::Field(path))));
    let by_glob = (glob(), vec(name(), 8)).prop_map(|((glob, wildcards), names)| {
        let names = names.into_iter().take(wildcards).collect();
        ParsePattern::Glob { glob, names }
    });
    let by_glob = by_glob.prop_filter("names", |pattern| match pattern {
        ParsePattern::Glob { glob, names } => glob.wildcards() == names.len(),
        ParsePattern::Regex { .. } => true,
    });
    let by_regex = Just(ParsePattern::Regex {
        regex: RegexLiteral::new(r"(?<verb>[A-Z]+) /(\d)"),
        names: vec![Name::new("x y")],
    });
    (source, prop_oneof![by_glob, by_regex])
        .prop_map(|(source, pattern)| Command::Parse(Parse { source, pattern }))
}

fn source() -> impl Strategy<Value = Source> {
    let texts = || vec(any::<String>(), 1..4);
    let selection = (
        vec(any::<String>(), 0..3),
        vec(any::<String>(), 0..3),
        any::<bool>(),
    )
        .prop_map(
            |(name_prefixes, account_identifiers, with_class)| LogGroupSelection {
                name_prefixes,
                account_identifiers,
                classes: match with_class {
                    true => vec![LogGroupClass::Standard, LogGroupClass::InfrequentAccess],
                    false => Vec::new(),
                },
            },
        );
    let tags = vec(
        (any::<String>(), vec(any::<String>(), 0..3))
            .prop_map(|(key, values)| TagFilter { key, values }),
        1..3,
    );
    let item = prop_oneof![
        any::<String>().prop_map(SourceItem::LogGroup),
        selection.prop_map(SourceItem::LogGroups),
        texts().prop_map(SourceItem::DataSource),
        tags.prop_map(SourceItem::LogGroupTags),
    ];
    let time = || {
        prop_oneof![
            Just(SourceTime::Now),
            duration().prop_map(SourceTime::Ago),
            (0..i64::MAX).prop_map(SourceTime::Epoch),
        ]
    };
    (vec(item, 1..3), of(time()), of(time())).prop_map(|(items, start, end)| Source {
        items,
        start,
        end,
    })
}

fn index_test() -> impl Strategy<Value = IndexTest> {
    prop_oneof![
        literal().prop_map(IndexTest::Equal),
        vec(literal(), 1..3).prop_map(IndexTest::In),
    ]
}

fn mode() -> impl Strategy<Value = OutputMode> {
    prop::sample::select(vec![OutputMode::Overwrite, OutputMode::FillMissing])
}

/// Commands of which expressions are the main part.
fn row_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        items().prop_map(|items| Command::Fields(Fields { items })),
        items().prop_map(|items| Command::Display(Display { items })),
        expr().prop_map(|condition| Command::Filter(Filter { condition })),
        vec(
            (path(), index_test()).prop_map(|(field, test)| IndexCondition { field, test }),
            1..3
        )
        .prop_map(|conditions| Command::FilterIndex(FilterIndex { conditions })),
        parse_command(),
        vec((expr(), of(name()), any::<bool>()), 1..3).prop_map(|keys| {
            let key = |(expr, alias, ascending)| SortKey {
                expr,
                alias,
                direction: match ascending {
                    true => Direction::Ascending,
                    false => Direction::Descending,
                },
            };
            let keys = keys.into_iter().map(key).collect();
            Command::Sort(Sort { keys })
        }),
        (items(), vec(item(), 0..3), of(duration())).prop_map(|(items, by, offset)| {
            let offset = offset.filter(|_| !by.is_empty());
            Command::Stats(Stats { items, by, offset })
        }),
        expr().prop_map(|text| Command::Pattern(Pattern { text })),
        (expr(), name()).prop_map(|(list, into)| Command::Unnest(Unnest { list, into })),
        (vec(path(), 0..3), expr()).prop_map(|(fields, condition)| {
            Command::RelevantFields(RelevantFields { fields, condition })
        }),
    ]
}

/// Commands that name fields.
fn field_command() -> impl Strategy<Value = Command> {
    let rows = || 1..=ROWS_MAX;
    let windows = vec![
        DiffWindow::Preceding,
        DiffWindow::PreviousDay,
        DiffWindow::PreviousWeek,
        DiffWindow::PreviousMonth,
    ];
    prop_oneof![
        (rows(), any::<bool>()).prop_map(|(rows, any)| Command::Limit(Limit { rows, any })),
        rows().prop_map(|rows| Command::Head(Head { rows })),
        rows().prop_map(|rows| Command::Tail(Tail { rows })),
        paths().prop_map(|fields| Command::Dedup(Dedup { fields })),
        paths().prop_map(|fields| Command::Unmask(Unmask { fields })),
        paths().prop_map(|fields| Command::CountFrequent(CountFrequent { fields })),
        path().prop_map(|field| Command::Expand(Expand { field })),
        prop::sample::select(windows).prop_map(|against| Command::Diff(Diff { against })),
        Just(Command::Anomaly(Anomaly)),
        Just(Command::Estimate(Estimate)),
        duration().prop_map(|time_shift| Command::LogCompare(LogCompare { time_shift })),
        (path(), of(name())).prop_map(|(field, alias)| Command::Accum(Accum { field, alias })),
        (path(), of(name()), 1_u32..50, 0_u32..50).prop_map(|(field, alias, first_lag, more)| {
            Command::AutoRegress(AutoRegress {
                field,
                alias,
                first_lag,
                last_lag: first_lag + more,
            })
        }),
        (paths(), duration(), of(name())).prop_map(|(fields, max_span, alias)| {
            Command::Sessionize(Sessionize {
                fields,
                max_span,
                alias,
            })
        }),
    ]
}

/// Commands with options.
fn table_command() -> impl Strategy<Value = Command> {
    let lookup_match =
        (name(), of(path())).prop_map(|(column, field)| LookupMatch { column, field });
    let cidr_output = (name(), of(name())).prop_map(|(column, alias)| CidrOutput { column, alias });
    let column = prop_oneof![
        "[a-z*][a-z0-9*.]{0,4}".prop_map(|text| NamePattern { text, exact: false }),
        any::<String>().prop_map(|text| NamePattern { text, exact: true }),
    ];
    let fill_value = prop_oneof![
        number().prop_map(SignedLiteral::Negative),
        literal().prop_map(SignedLiteral::Literal),
    ];
    let fill = (fill_value, name()).prop_map(|(value, column)| Fill { value, column });
    let action = vec![OutlierAction::Transform, OutlierAction::Remove];
    let side = || "[a-z]{1,3}";
    prop_oneof![
        (name(), vec(lookup_match, 1..3), mode(), names()).prop_map(
            |(table, matches, mode, outputs)| Command::Lookup(Lookup {
                table,
                matches,
                mode,
                outputs
            })
        ),
        (name(), path(), of(name()), mode(), vec(cidr_output, 1..3)).prop_map(
            |(table, field, column, mode, outputs)| Command::CidrLookup(CidrLookup {
                table,
                field,
                column,
                mode,
                outputs
            })
        ),
        (any::<bool>(), side(), side(), vec((path(), path()), 1..3))
            .prop_filter("two sides", |(_, left, right, _)| left != right)
            .prop_map(|(inner, left, right, conditions)| {
                let condition = |(left, right)| JoinCondition { left, right };
                Command::Join(Join {
                    kind: match inner {
                        true => JoinKind::Inner,
                        false => JoinKind::Left,
                    },
                    left: Name::new(left),
                    right: Name::new(right),
                    conditions: conditions.into_iter().map(condition).collect(),
                    query: Box::new(small_query()),
                })
            }),
        (of(name()), any::<bool>(), any::<bool>(), vec(path(), 0..3)).prop_map(
            |(total_name, row, column, fields)| Command::AddTotals(AddTotals {
                total_name,
                row,
                column,
                fields
            })
        ),
        vec(column, 0..3).prop_map(|columns| Command::FillDown(FillDown { columns })),
        vec(fill, 0..3).prop_map(|fills| Command::FillMissing(FillMissing { fills })),
        (
            prop::sample::select(action),
            number(),
            any::<bool>(),
            any::<bool>(),
            paths()
        )
            .prop_map(|(action, factor, use_lower, mark, fields)| {
                Command::Outlier(Outlier {
                    action,
                    factor,
                    use_lower,
                    mark,
                    fields,
                })
            }),
        (any::<bool>(), 1..=ROWS_MAX).prop_map(|(replace, rows_max)| {
            Command::AppendCols(AppendCols {
                replace,
                rows_max,
                query: Box::new(small_query()),
            })
        }),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let command = prop_oneof![row_command(), field_command(), table_command()];
    let stage = command.prop_map(|command| Stage {
        command,
        span: Span::default(),
    });
    (of(source()), vec(stage, 1..4)).prop_map(|(source, stages)| Query { source, stages })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_parses_to_itself(query in query()) {
        let printed = query.to_string();
        match parse_grammar(&printed) {
            Ok(again) => prop_assert_eq!(again, query, "{}", printed),
            Err(error) => prop_assert!(false, "{}\n{}", printed, error),
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_regex_panics(pattern in r"([\[\]^&~\-\\(){}dwbé:aQ/|*?0-9,]|\(\?i\)){0,12}") {
        let _ = compile_regex(&pattern);
    }

    #[test]
    fn no_row_of_words_panics(words in vec(word(), 0..30)) {
        let text = words.concat();
        if let Err(error) = parse(&text) {
            prop_assert!(error.span.end() <= text.len());
            prop_assert!(error.start_char_offset <= error.end_char_offset);
            prop_assert!(error.end_char_offset <= text.encode_utf16().count());
        }
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "fields ", "stats ", "filter ", "parse ", "sort ", "limit ", "join ", "SOURCE ", "lookup ",
        "| ", "(", ")", "[", "]", ", ", " as ", " by ", " in ", " not ", " like ", " and ", " or ",
        "count(", "bin(", "5m", "1", "'x'", "\"*\"", "/a(/", "/a/", "a", "b.c", "`d", "`e` ", "*",
        "^", "-", "!", "=", "!=", "=~", "<", ".", "$", "#", "\n", "\\", "é", "where ", "dedup ",
        "if(", "pct(", "diff ", "pattern ", "type=", "left=", "{", "}", ":", "OUTPUT ", "0.5",
    ])
}
